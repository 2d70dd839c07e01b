"""The whole system, each process behind links of its own to whatever it talks to."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from running_system import SCRIPTS

from contextworker.core.client import AsyncWorkerClient
from contextworker.core.testing import TemporalServer, find_temporal
from contextworker.core.testing.server import DATABASE_FLAGS, SERVER_FLAGS, free_port
from harness.catalogue import Catalogue
from harness.clocks import Clocks, clocks
from harness.disk import Disk, small_disk
from harness.links import Link, tcp
from harness.names import (
    CLIENT_GATEWAY,
    GATEWAY,
    POSTGRESQL,
    SANDBOX_GATEWAY,
    SERVICES,
    TEMPORAL,
    WORKERS,
    WORKERS_SUPPLIER,
)
from harness.postgresql import PostgreSQL, postgresql
from harness.processes import Process
from harness.sqlite import SQLite
from harness.supplier import Supplier

TENANTS = {"acme": ("acme-a", "acme-b"), "bravo": ("bravo-a",), "agents": ("agents-a", "agents-b")}
DISK_MEGABYTES = 16
_BEGINS_WITHIN_S = 180
SUPPLIER_FILE = """
name = "{code}"
currency = "EUR"
[[sources]]
url = "http://127.0.0.1:{port}/{code}.csv"
[mapping]
sku = "sku"
name = "name"
brand_name = "brand"
category = "category"
price_retail = "price"
quantity = "stock"
decimal = "."
[retry]
maximum_attempts = 100
initial_interval_s = 0.2
maximum_interval_s = 2
backoff = 2
[retry.transform]
maximum_attempts = 100
initial_interval_s = 0.2
maximum_interval_s = 2
[retry.store]
maximum_attempts = 100
initial_interval_s = 0.2
maximum_interval_s = 2
"""
# Patience to the measure of faults that last seconds.
SETTINGS = {
    "CONTEXTWORKER_HARVEST_BATCH_ROWS": "20",
    "CONTEXTWORKER_HARVEST_HEARTBEAT_TIMEOUT_S": "4",
    "CONTEXTWORKER_HARVEST_CONNECT_TIMEOUT_S": "2",
    "CONTEXTWORKER_HARVEST_READ_TIMEOUT_S": "3",
    "CONTEXTWORKER_HARVEST_ALLOWED_NETWORKS": "127.0.0.0/8",
    "CONTEXTWORKER_GARDENER_LEASE_S": "10",
    "CONTEXTWORKER_SANDBOX_PROCESSES": "2",
    "CONTEXTWORKER_SHUTDOWN_GRACE_S": "5",
    "BRAIN_STATEMENT_TIMEOUT_S": "10",
    "BRAIN_POOL_SIZE": "3",
}
POOL_SIZE = int(SETTINGS["BRAIN_POOL_SIZE"])


@dataclass(eq=False)
class ChaosSystem:
    """Everything that runs, and the handles by which it is broken."""

    folder: Path
    temporal: TemporalServer
    brain: PostgreSQL | SQLite
    supplier: Supplier
    catalogues: dict[str, Catalogue]
    disk: Disk | None
    clocks: Clocks | None
    services: tuple[str, ...] = SERVICES
    gateway_port: int = field(default_factory=free_port)
    links: dict[str, Link] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    ended_by_itself: list[str] = field(default_factory=list)
    """Processes that nobody ended, whenever they did."""

    @property
    def modules(self) -> set[str]:
        """Those whose workers run."""
        return {name.partition("-")[0] for name in self.services if name != GATEWAY}

    @property
    def store(self) -> Path:
        """The object store's folder, as this process sees it."""
        return (self.disk.inside if self.disk else self.folder / "disk") / "objects"

    def client(self) -> AsyncWorkerClient:
        """Return a caller's client, whose way to the gateway is a link."""
        address = self.links[CLIENT_GATEWAY].address
        return AsyncWorkerClient(address, service="chaos", attempt_timeout=4, timeout=20)

    def log(self, name: str) -> str:
        """Return what a process said."""
        return self.processes[name].log.read_text(errors="replace")

    async def supervise(self) -> None:
        """Start again what ended by itself, as every supervisor does."""
        while True:
            for process in self.processes.values():
                if process.is_wanted and not process.is_running:
                    self.ended_by_itself.append(process.name)
                    self.start(process.name)
            await asyncio.sleep(0.3)

    def start(self, name: str) -> None:
        """Start a process, whose temporary files have a folder of their own, as a container has."""
        process = self.processes[name]
        temporary = self.temporary(name, process.starts + 1)
        temporary.mkdir(parents=True, exist_ok=True)
        process.environment = {**process.environment, "TMPDIR": str(temporary)}
        process.start()

    def temporary(self, name: str, start: int | None = None) -> Path:
        """Return where a process's temporary files are; of its latest start when left out."""
        number = self.processes[name].starts if start is None else start
        return self.folder / "tmp" / f"{name}-{number}"

    async def begin(self) -> None:
        """Start every process, and wait until each has said that it is there."""
        self.start(TEMPORAL)
        if isinstance(self.brain, PostgreSQL):
            await self.brain.answers()
        await self.temporal.answers()
        for name in self.services:
            self.start(name)
        for name in self.services:
            says = "gateway listening on" if name == GATEWAY else "polls "
            while says not in self.log(name):
                assert self.processes[name].is_running, self.log(name)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def chaos_system(
    folder: Path, *, seed: int, on_sqlite: bool = False, services: tuple[str, ...] = SERVICES
) -> AsyncIterator[ChaosSystem]:
    """Run the system while the block does; leaves no process, mount or connection.

    Args:
        folder: For its files.
        seed: Of what the feeds have.
        on_sqlite: Whether the Brain is a file on the small disk, in place of a PostgreSQL.
        services: Which of them run.
    """
    chance = random.Random(f"feeds of {seed}")
    catalogues = {
        code: Catalogue(tenant, code, random.Random(chance.random()))
        for tenant, codes in TENANTS.items()
        for code in codes
    }
    supplier = Supplier({code: _feed_of(one) for code, one in catalogues.items()})
    temporal = TemporalServer(database=folder / "temporal.db")
    async with AsyncExitStack() as stack:
        clock = stack.enter_context(clocks())
        disk = stack.enter_context(small_disk(folder / "disk", megabytes=DISK_MEGABYTES))
        brain: PostgreSQL | SQLite
        if on_sqlite:
            brain = SQLite(folder / "disk" / "brain.db", disk)
        else:
            variables = clock.environment(POSTGRESQL) if clock else {}
            brain = stack.enter_context(postgresql(folder, variables))
        await stack.enter_async_context(supplier.open())
        system = ChaosSystem(folder, temporal, brain, supplier, catalogues, disk, clock, services)
        await _open_links(system, stack)
        _write_suppliers(system)
        stack.enter_context(_processes(system))
        async with asyncio.timeout(_BEGINS_WITHIN_S):
            await system.begin()
        supervising = asyncio.create_task(system.supervise())
        try:
            yield system
        finally:
            supervising.cancel()
            await asyncio.gather(supervising, return_exceptions=True)


def _feed_of(catalogue: Catalogue) -> Callable[[], bytes]:
    return lambda: catalogue.feed


async def _open_links(system: ChaosSystem, stack: AsyncExitStack) -> None:
    ways = {
        CLIENT_GATEWAY: tcp(system.gateway_port),
        SANDBOX_GATEWAY: tcp(system.gateway_port),
        WORKERS_SUPPLIER: tcp(system.supplier.port),
        **{f"{name}-temporal": tcp(system.temporal.port) for name in system.services},
    }
    if isinstance(system.brain, PostgreSQL):
        ways |= {
            f"{name}-brain": system.brain.connect for name in WORKERS if name in system.services
        }
    for name, upstream in ways.items():
        system.links[name] = await stack.enter_async_context(Link(upstream).open())


def _write_suppliers(system: ChaosSystem) -> None:
    folder = system.folder / "suppliers"
    folder.mkdir()
    port = system.links[WORKERS_SUPPLIER].port
    for code in system.catalogues:
        (folder / f"{code}.toml").write_text(SUPPLIER_FILE.format(code=code, port=port))


@contextmanager
def _processes(system: ChaosSystem) -> Iterator[None]:
    """Describe each process; end all of them, and what they started, afterwards."""
    enter = system.disk.enter if system.disk else []
    for name in system.services:
        command = "gateway" if name == GATEWAY else f"{name.split('-')[0]}-worker"
        system.processes[name] = _process(
            system, name, [*enter, str(SCRIPTS / command)], _service_environment(system, name)
        )
    system.processes[TEMPORAL] = _process(system, TEMPORAL, _temporal_command(system.temporal), {})
    if isinstance(system.brain, PostgreSQL):
        system.processes[POSTGRESQL] = system.brain.process
    try:
        yield
    finally:
        for process in system.processes.values():
            process.close()


def _process(
    system: ChaosSystem, name: str, command: list[str], variables: dict[str, str]
) -> Process:
    clock = system.clocks.environment(name) if system.clocks else {}
    environment = {**os.environ, **variables, **clock}
    return Process(name, command, environment, system.folder)


def _service_environment(system: ChaosSystem, name: str) -> dict[str, str]:
    own = SETTINGS | {
        "TEMPORAL_ADDRESS": system.links[f"{name}-temporal"].address,
        "TEMPORAL_NAMESPACE": "default",
        "WORKER_PORT": str(system.gateway_port),
        "CONTEXTWORKER_STORE_URL": (system.folder / "disk" / "objects").as_uri(),
        "CONTEXTWORKER_SUPPLIERS_DIR": str(system.folder / "suppliers"),
        "WORKER_ADDRESS": system.links[SANDBOX_GATEWAY].address,
    }
    if isinstance(system.brain, SQLite):
        own["BRAIN_URL"] = f"sqlite:///{system.brain.path}"
    elif name in WORKERS:
        port = system.links[f"{name}-brain"].port
        own["BRAIN_URL"] = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    return own


def _temporal_command(temporal: TemporalServer) -> list[str]:
    return [
        str(find_temporal()),
        "server",
        "start-dev",
        "--headless",
        "--ip=127.0.0.1",
        f"--port={temporal.port}",
        "--log-level=error",
        *SERVER_FLAGS,
        f"--db-filename={temporal.database}",
        *DATABASE_FLAGS,
    ]
