"""The whole system as an operator runs it: Temporal, PostgreSQL and one process per executable."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from told_errors import told_errors

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc
from contextworker.core.testing import TemporalServer
from contextworker.core.testing.server import free_port

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120
"""For what takes seconds where the machine has nothing else to do."""

SCRIPTS = Path(sys.executable).parent
CLOSED = {"completed", "failed", "cancelled", "terminated", "timed_out"}


@dataclass
class System:
    """A Temporal server of its own, a database, and the processes started on them."""

    folder: Path
    brain_url: str
    temporal: TemporalServer
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The settings that every process shares."""
        return {
            **os.environ,
            **self.temporal.environment,
            "WORKER_PORT": str(self.port),
            "WORKER_ADDRESS": f"127.0.0.1:{self.port}",
            # Else a caller would hear of an outage where the machine is merely busy.
            "CONTEXTWORKER_GATEWAY_TEMPORAL_TIMEOUT_S": "30",
            "BRAIN_URL": self.brain_url,
            "CONTEXTWORKER_STORE_URL": (self.folder / "objects").as_uri(),
            "CONTEXTWORKER_SUPPLIERS_DIR": str(ROOT / "examples" / "suppliers"),
        }

    def start(self, name: str, *command: str, says: str, **variables: str) -> None:
        """Start a process, with settings of its own, and wait until its log says something."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as stderr:
            self.processes[name] = subprocess.Popen(
                [str(SCRIPTS / command[0]), *command[1:]],
                env=self.environment | variables,
                cwd=self.folder,
                stderr=stderr,
            )
        self._until_said(name, says, log)

    def kill(self, name: str) -> None:
        """End a process as a crash would."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        """End a process as an operator does, with SIGTERM; returns its exit code."""
        process = self.processes.pop(name)
        process.terminate()
        return process.wait(PATIENCE_S)

    def stop_well(self, *names: str) -> None:
        """End processes as every supervisor does: exit code 0, and no exception in their logs."""
        for name in names:
            code = self.stop(name)
            log = (self.folder / f"{name}.log").read_text()
            assert (0, []) == (code, told_errors(log)), f"{name} ended with {code}:\n{log}"

    def start_gateway(self) -> None:
        """Start the gateway's executable."""
        self.start("gateway", "gateway", says="gateway listening on")

    def call(self, method: str, **payload: object) -> ContextUnit:
        """Send one unit to the gateway, as a caller does."""
        unit = ContextUnit(payload=payload, provenance=["commerce:trigger"])
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub = worker_pb2_grpc.WorkerServiceStub(channel)
            response = getattr(stub, method)(unit.to_protobuf(worker_pb2), timeout=60)
        return ContextUnit.from_protobuf(response)

    def finish(self, workflow_id: str) -> dict[str, object]:
        """Wait until a run is closed; returns its status."""
        return self.until(workflow_id, *CLOSED)

    def until(self, workflow_id: str, *expected: str) -> dict[str, object]:
        """Wait until a run has one of the statuses; returns it whole."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            status = self.call("GetTaskStatus", workflow_id=workflow_id).payload
            if status["status"] in expected:
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.1)

    def _until_said(self, name: str, says: str, log: Path) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while says not in log.read_text():
            ended = self.processes[name].poll()
            waits = ended is None and time.monotonic() < deadline
            assert waits, f"{name} (ended: {ended}) never said {says!r}:\n{log.read_text()}"
            time.sleep(0.05)

    def close(self) -> None:
        """End every process."""
        for name in list(self.processes):
            self.kill(name)
        self.temporal.kill()
