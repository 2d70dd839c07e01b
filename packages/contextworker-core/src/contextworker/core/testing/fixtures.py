"""Pytest fixtures: one Temporal server for the whole session, and a client of it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from temporalio.client import Client

from contextworker.core.testing.server import TemporalServer, temporal_server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal() -> AsyncIterator[TemporalServer]:
    """Run one dev server, shared by every test of the session."""
    async with temporal_server() as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_client(temporal: TemporalServer) -> Client:
    """Connect to that server with the project's plugin."""
    return await temporal.connect()
