"""What tests share: a client of a real Temporal server, and real interpreter processes."""

from collections.abc import AsyncIterator

import pytest_asyncio
from temporalio.client import Client

from contextworker.core.testing.server import TemporalServer
from contextworker.core.worker import shared_modules
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.module import module
from contextworker.sandbox.settings import SandboxSettings


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(temporal: TemporalServer) -> Client:
    """A client that speaks this module's messages."""
    return await temporal.connect(*shared_modules([module]))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def interpreter() -> AsyncIterator[Interpreter]:
    """Real interpreter processes, with tools of two names."""
    async with Interpreter.open(
        SandboxSettings(processes=2), tools=frozenset({"look", "tell"})
    ) as opened:
        yield opened
