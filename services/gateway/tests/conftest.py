"""A Temporal server, a gateway before it, and toy modules, shared by the session."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from temporalio.client import Client

from contextworker.core.testing import TemporalServer, running
from contextworker.core.testing.fixtures import temporal_client
from contextworker.core.testing.server import temporal_server
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

# Workflows have to be importable by name, which test files in importlib mode are not. (The dash in
# the folder's name makes mypy take it for a root of modules, too.)
sys.path.insert(0, str(Path(__file__).parent / "test-support"))

import gateway_toys
from gateway_calls import Caller, connected
from gateway_deployments import until_announced

__all__ = ["temporal_client"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal() -> AsyncIterator[TemporalServer]:
    """Run one dev server that leaves connections as they are.

    By itself it ends those that are five minutes old, and with them a call that is just being sent:
    the gateway then says that Temporal is away, for which clients try again and these tests do not.
    """
    flag = '--dynamic-config-value=frontend.keepAliveMaxConnectionAge="24h"'
    async with temporal_server(flags=[flag]) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def caller(temporal_client: Client) -> AsyncIterator[Caller]:
    """Call a gateway that stands before the session's Temporal server."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_route_refresh_min_s=0.1,
        gateway_temporal_timeout_s=20,  # Temporal answers late where the machine is busy
    )
    async with gateway(temporal_client, settings) as port, connected(port) as caller:
        yield caller


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def toys(temporal_client: Client, caller: Caller) -> AsyncIterator[None]:
    """Run the toys' worker."""
    async with running(temporal_client, gateway_toys.toys):
        await until_announced(caller, name=gateway_toys.toys.name)
        yield
