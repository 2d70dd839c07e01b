"""What tests share: Temporal, a gateway, the sandbox's worker, and interpreters by themselves."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from contextworker.core.testing import running
from contextworker.core.testing.server import TemporalServer
from contextworker.core.worker import shared_modules
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.module import module
from contextworker.sandbox.settings import SandboxSettings

# Workflows have to be importable by name, which test files in importlib mode are not. (The dash in
# the folder's name makes mypy take it for a root of modules, too.)
sys.path.insert(0, str(Path(__file__).parent / "test-support"))

from sandbox_errands import errands
from sandbox_programs import Programs


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


_LIMITS = """
[tenants.few-calls]
calls = 3
[tenants.few-words]
output_bytes = 100
[tenants.short-life]
lifetime_s = 5
[tenants.long-turns]
timeout_s = 600
[tenants.hasty]
timeout_s = 0.005
[tenants.small]
memory_mib = 4
recursion = 20
output_bytes = 50
code_bytes = 200
answer_bytes = 50
calls = 1
"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def programs(
    client: Client, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Programs]:
    """Programs that run in the sandbox's own worker, started by a gateway, as callers do."""
    folder = tmp_path_factory.mktemp("sandbox")
    store, limits = (folder / "objects").as_uri(), folder / "limits.toml"
    limits.write_text(_LIMITS)
    settings = GatewaySettings(port=0, gateway_shutdown_grace_s=1, gateway_route_refresh_min_s=0.1)
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(gateway(client, settings))
        # The worker reads them as it starts; other packages' tests follow in this process.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WORKER_ADDRESS", f"127.0.0.1:{port}")
            patch.setenv("CONTEXTWORKER_STORE_URL", store)
            patch.setenv("CONTEXTWORKER_SANDBOX_LIMITS", str(limits))
            await stack.enter_async_context(running(client, module, errands))
        yield await stack.enter_async_context(Programs.of(port, client, store))
