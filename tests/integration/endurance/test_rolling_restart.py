"""Workers and gateways restarted one after another, under load: nothing is begun in vain."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import pytest
from attempts import in_vain
from one_address import one_address
from running_system import System
from steady_module import STEPS, steady
from supplying import ROWS, supplying

from contextworker.core.client import AsyncWorkerClient
from contextworker.core.settings import Promotion, WorkerSettings
from contextworker.core.testing import TemporalServer, running
from contextworker.core.testing.server import free_port
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

pytestmark = pytest.mark.slow

# See docs/operations/rolling-restarts.md.
FLAGS = ["--dynamic-config-value=frontend.enableCancelWorkerPollsOnShutdown=true"]
CALLERS = 8
PATIENCE_S = 180
GRACE_S = 60  # more than any activity takes: one that is cut off is begun in vain
MODULES = ("harvest", "gardener", "sandbox")
SUPPLIERS = ("east", "west", "north")
PROGRAM = """
import time
total = 0
for number in range(5):
    time.sleep(0.1)
    total += number
enriched = wait_for(start_workflow("gardener"))
[total, enriched["status"]]
"""

Call = Callable[[AsyncWorkerClient, int], Awaitable[object]]


@dataclass
class Load:
    """Callers that start runs and wait for their ends, again and again, until told to stop."""

    address: str
    ended: int = 0
    stopping: bool = False
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def call(self, one: Call) -> None:
        """Make calls one after another; a call that fails ends the test."""
        async with AsyncWorkerClient(self.address, service="tests", timeout=PATIENCE_S) as client:
            for number in count():
                if self.stopping:
                    return
                await one(client, number)
                async with self._news:
                    self.ended += 1
                    self._news.notify_all()

    async def goes_on(self, runs: int) -> None:
        """Wait until so many more runs have ended."""
        enough = self.ended + runs
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: self.ended >= enough)


@asynccontextmanager
async def loaded(address: str, *calls: Call) -> AsyncIterator[Load]:
    """Have each kind of call made while the block runs; then let those under way end."""
    load = Load(address)
    async with asyncio.TaskGroup() as tasks:
        for one in calls:
            tasks.create_task(load.call(one))
        yield load
        load.stopping = True


@pytest.mark.timeout(900)
async def test_nothing_is_begun_in_vain_where_all_are_restarted_in_turn() -> None:
    """Two workers and two gateways, in this process: each drains, ends and is there again."""
    ports = [free_port(), free_port()]

    async def steady_run(caller: AsyncWorkerClient, number: int) -> None:
        task = await caller.start("steady", number=number)
        result = await task.result(timeout=PATIENCE_S)
        assert {"attempts": [1] * STEPS} == result

    async with AsyncExitStack() as stack:
        server = TemporalServer(flags=FLAGS)
        server.start()
        stack.callback(server.kill)
        await server.answers()
        way = await stack.enter_async_context(one_address(ports))
        parts = [
            *[partial(_worker, server)] * 2,
            *(partial(_gateway, server, port) for port in ports),
        ]
        places = [await stack.enter_async_context(AsyncExitStack()) for _ in parts]
        for place, part in zip(places, parts, strict=True):
            await place.enter_async_context(part())
        async with loaded(way.address, *[steady_run] * CALLERS) as load:
            await load.goes_on(1)
            for place, part in zip(places, parts, strict=True):
                await place.aclose()
                await place.enter_async_context(part())
            await load.goes_on(CALLERS)

        assert [] == await in_vain(
            await server.connect(), "WorkflowType = 'steady'", stopped=[os.getpid()]
        )


@asynccontextmanager
async def _worker(server: TemporalServer) -> AsyncIterator[None]:
    settings = WorkerSettings(shutdown_grace_s=GRACE_S, promotion=Promotion.ALWAYS)
    # A client of its own: one client has one worker for a task queue.
    async with running(await server.connect("steady_module"), steady, settings=settings):
        yield


@asynccontextmanager
async def _gateway(server: TemporalServer, port: int) -> AsyncIterator[None]:
    settings = GatewaySettings(
        port=port, gateway_shutdown_grace_s=10, gateway_route_refresh_min_s=0.1
    )
    async with gateway(await server.connect(), settings):
        yield


@pytest.mark.timeout(900)
async def test_a_rolling_restart_of_everything(system: System) -> None:
    """Two processes of each worker and two gateways, SIGTERM one after another.

    Harvests, enrichments and programs are under way and begin all the time; every one of them ends
    well, every process with exit code 0, and no history tells of a second attempt.
    """
    ports = {f"gateway-{number}": free_port() for number in (1, 2)}
    stopped: set[int] = set()
    workers = [f"{module}-{number}" for number in (1, 2) for module in MODULES]
    system.temporal.kill()
    system.temporal.flags = FLAGS
    system.temporal.start()
    async with supplying(1.0) as supplier, one_address(list(ports.values())) as way:
        _write_suppliers(system, supplier)
        variables = {
            "WORKER_ADDRESS": way.address,
            "CONTEXTWORKER_SUPPLIERS_DIR": str(system.folder / "suppliers"),
            "CONTEXTWORKER_HARVEST_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CONTEXTWORKER_HARVEST_BATCH_ROWS": "50",
            "CONTEXTWORKER_SHUTDOWN_GRACE_S": str(GRACE_S),
        }

        async def start(name: str) -> None:
            kind = name.partition("-")[0]
            own = {"WORKER_PORT": str(ports[name])} if name in ports else variables
            program = "gateway" if name in ports else f"{kind}-worker"
            says = "gateway listening on" if name in ports else f"polls {kind}-tasks"
            await asyncio.to_thread(system.start, name, program, says=says, **own)

        for name in (*workers, *ports):
            await start(name)
        calls = [*(_harvests(code) for code in SUPPLIERS), *[_program] * 3]
        async with loaded(way.address, *calls) as load:
            await load.goes_on(len(calls))
            for name in (*workers, *ports):
                stopped.add(system.processes[name].pid)
                await asyncio.to_thread(system.stop_well, name)
                await start(name)
                await load.goes_on(len(calls))

        client = await system.temporal.connect()
        assert load.ended >= len(calls) * (len(workers) + len(ports) + 1)
        assert [] == await in_vain(client, "TenantId IS NOT NULL", stopped=stopped)
        await asyncio.to_thread(system.stop_well, *workers, *ports)


def _harvests(code: str) -> Call:
    async def harvest(client: AsyncWorkerClient, number: int) -> None:
        task = await client.start("harvest", supplier_code=code, tenant_id=code)
        report = await task.result(timeout=PATIENCE_S)
        assert ("completed", ROWS) == (report["status"], report["rows"])
        gardened = await client.start("gardener", tenant_id=code, batch_size=50)
        assert "nothing_pending" == (await gardened.result(timeout=PATIENCE_S))["outcome"]

    return harvest


async def _program(client: AsyncWorkerClient, number: int) -> None:
    execution = await client.execute(PROGRAM, tenant_id=f"agents-{number % 3}", timeout=PATIENCE_S)
    assert (None, [10, "completed"]) == (execution.error, execution.result)


def _write_suppliers(system: System, port: int) -> None:
    folder = system.folder / "suppliers"
    folder.mkdir()
    for code in SUPPLIERS:
        (folder / f"{code}.toml").write_text(
            f'name = "{code}"\ncurrency = "EUR"\n[[sources]]\n'
            f'url = "http://127.0.0.1:{port}/{code}.csv"\n'
            '[mapping]\nsku = "sku"\nname = "name"\nprice_retail = "price"\n'
        )
