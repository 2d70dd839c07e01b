"""A client of the session's Temporal server, which is a real one."""

import pytest_asyncio
from temporalio.client import Client

from contextworker.core.testing.server import TemporalServer
from contextworker.core.worker import shared_modules
from contextworker.sandbox.module import module


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(temporal: TemporalServer) -> Client:
    """A client that speaks this module's messages."""
    return await temporal.connect(*shared_modules([module]))
