"""A gateway and two workers, each in a process of its own, before a server that keeps a file."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from processes import running

from contextworker.core.client import AsyncWorkerClient
from contextworker.core.testing import TemporalServer
from contextworker.core.testing.server import free_port

WORKERS = 2


@dataclass(frozen=True)
class System:
    """What is soaked."""

    address: str
    temporal: TemporalServer
    processes: dict[str, psutil.Process]


@asynccontextmanager
async def system(folder: Path) -> AsyncIterator[System]:
    """Run it while the block runs; it begins once the gateway serves the route."""
    temporal, port = TemporalServer(database=folder / "temporal.db"), free_port()
    environment = {
        **os.environ,
        **temporal.environment,
        "PYTHONPATH": os.pathsep.join(
            (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""))
        ),
        "WORKER_PORT": str(port),
        "CONTEXTWORKER_LOG_LEVEL": "ERROR",
    }
    temporal.start()
    try:
        await temporal.answers()
        async with AsyncExitStack() as stack:
            processes = {"Temporal": _temporal(temporal)}
            for name, program in (
                ("gateway", "contextworker.gateway"),
                *((f"worker {number + 1}", "soaking") for number in range(WORKERS)),
            ):
                processes[name] = await stack.enter_async_context(running(environment, program))
            address = f"127.0.0.1:{port}"
            await _serves(address)
            yield System(address, temporal, processes)
    finally:
        temporal.kill()


def _temporal(server: TemporalServer) -> psutil.Process:
    [found] = [
        child for child in psutil.Process().children() if f"--port={server.port}" in child.cmdline()
    ]
    return found


async def _serves(address: str) -> None:
    """Wait for the gateway, and for both workers behind it."""
    async with AsyncWorkerClient(address, service="benchmarks", timeout=60) as client:
        while True:
            soak = [module for module in await client.modules() if module.name == "soak"]
            if soak and soak[0].workers == WORKERS:
                return
