"""A module in two releases whose workflows do not fit each other, each run as its own process."""

import asyncio
import io
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.client import Client

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc
from contextworker.cli.commands.deploy import app as deploy
from contextworker.core.testing import TemporalServer

V1, V2 = "1.0.0", "2.0.0"
States = Mapping[str, Mapping[str, Any]]
"""By version, as `deploy status` tells it."""

_PATIENCE_S = 120
QUEUE = "travels-tasks"
_STEPS = {
    V1: """
        await self.book("flight")
        await workflow.wait_condition(lambda: self.may_go)
        await self.book("hotel")
""",
    # Another first command, another order: a run that began on the one cannot go on with the other.
    V2: """
        await workflow.sleep(0.01)
        await self.book("hotel")
        await workflow.wait_condition(lambda: self.may_go)
        await self.book("flight")
""",
}
_WORKFLOWS = '''"""Travels, as release {version} runs them."""

from datetime import timedelta

from temporalio import activity, workflow

from contextcore import ContextUnit

VERSION = "{version}"


@activity.defn
async def book(what: str) -> str:
    return f"{{VERSION}} booked a {{what}}"


class Waiting:
    def __init__(self) -> None:
        self.may_go = False

    @workflow.signal
    def go(self) -> None:
        self.may_go = True

    async def book(self, what: str) -> None:
        await workflow.execute_activity(
            book, what, start_to_close_timeout=timedelta(seconds=30)
        )


@workflow.defn(name="travel")
class Travel(Waiting):
    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:{steps}
        return unit.child({{"by": VERSION}}, provenance="worker:travels")


@workflow.defn(name="tour")
class Tour(Waiting):
    """Two legs, the second continued as new, on the version that the payload asks for."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:{steps}
        if "leg" in unit.payload:
            return unit.child({{"by": VERSION}}, provenance="worker:travels")
        behavior = workflow.ContinueAsNewVersioningBehavior[unit.payload["next"]]
        workflow.continue_as_new(
            unit.model_copy(update={{"payload": {{**unit.payload, "leg": 2}}}}),
            initial_versioning_behavior=behavior,
        )


@workflow.defn(name="cruise")
class Cruise(Waiting):
    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        await workflow.wait_condition(lambda: self.may_go)
        return unit.child({{"by": VERSION}}, provenance="worker:travels")
'''
_MAIN = '''"""The worker of release {version}."""

from contextworker.core.process import run_module_worker
from contextworker.core.registry import ModuleConfig
from travels.workflows import {names}, book

if __name__ == "__main__":
    run_module_worker(ModuleConfig("travels", [{names}], [book]))
'''


def write_release(folder: Path, version: str) -> Path:
    """Write a release as it would be installed: the package, and what its installer notes."""
    root = folder / version
    package = root / "travels"
    info = root / f"contextworker_travels-{version}.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    names = "Travel, Tour" if version == V1 else "Travel, Tour, Cruise"
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: contextworker-travels\nVersion: {version}\n"
    )
    (package / "__init__.py").touch()
    (package / "workflows.py").write_text(
        _WORKFLOWS.format(version=version, steps=_STEPS[version].rstrip())
    )
    (package / "__main__.py").write_text(_MAIN.format(version=version, names=names))
    return root


@dataclass
class Travels:
    """Both releases, their worker processes, and a gateway's and an operator's view of them."""

    folder: Path
    temporal: TemporalServer
    client: Client
    port: int
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    async def start_worker(self, version: str, **settings: str) -> None:
        """Start a release's worker, and wait until it polls and Temporal tells so."""
        root = self.folder / version
        if not root.exists():
            write_release(self.folder, version)
        log = self.folder / f"{version}.log"
        self.workers[version] = self._spawn(root, log, settings)
        deadline = time.monotonic() + _PATIENCE_S
        while f"polls {QUEUE}" not in log.read_text():
            assert self.workers[version].poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            await asyncio.sleep(0.05)
        # Its first poll makes the version known, and is listed a moment later.
        build_id = settings.get("TEMPORAL_WORKER_BUILD_ID", version)
        states = await self.states_once(lambda told: bool(told[build_id]["workers"]))
        assert states[build_id]["workers"], f"no worker of {build_id} is listed"

    def _spawn(
        self, root: Path, log: Path, settings: Mapping[str, str]
    ) -> "subprocess.Popen[bytes]":
        environment = {**self.temporal.environment, "PYTHONPATH": str(root), **settings}
        with log.open("wb") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", "travels"],
                env={**os.environ, **environment},
                cwd=self.folder,
                stderr=stderr,
            )

    def kill_worker(self, version: str) -> None:
        """End a worker as a crash would."""
        worker = self.workers.pop(version)
        worker.kill()
        worker.wait()

    async def stop_worker(self, version: str) -> None:
        """End a worker as an operator would; another takes its runs over at once."""
        worker = self.workers.pop(version)
        worker.terminate()
        await asyncio.to_thread(worker.wait, _PATIENCE_S)

    async def deploy(self, *arguments: str) -> Any:
        """Run `contextworker deploy … --json` in this process; returns what it printed.

        Raises:
            DeployError: What it refuses.
        """
        command, bound, _ = deploy.parse_args([*arguments, "--json"])
        with redirect_stdout(io.StringIO()) as printed:
            await command(*bound.args, **bound.kwargs)
        return json.loads(printed.getvalue())

    async def states(self) -> States:
        """Return `deploy status travels` by version."""
        [deployment] = await self.deploy("status", "travels")
        return {version["build_id"]: version for version in deployment["versions"]}

    async def states_once(self, wanted: Callable[[States], bool]) -> States:
        """Return them once they are as wanted, else as they were last.

        Temporal counts runs some moments late, and a busy server was seen to forget who polls.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not wanted(states := await self.states()) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        return states

    async def start(self, workflow_type: str = "travel", **payload: Any) -> str:
        """Start a run through the gateway."""
        unit = ContextUnit(
            payload={"workflow_type": workflow_type, "tenant_id": uuid.uuid4().hex[:12], **payload},
            provenance=["tests:trigger"],
        )
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub = worker_pb2_grpc.WorkerServiceStub(channel)
            reply = await stub.StartWorkflow(unit.to_protobuf(worker_pb2), timeout=60)
        return str(ContextUnit.from_protobuf(reply).payload["workflow_id"])

    async def under_way(self, *runs: str) -> None:
        """Wait until each run waits for its signal."""
        for run in runs:
            handle = self.client.get_workflow_handle(run)
            async with asyncio.timeout(_PATIENCE_S):
                while not any(
                    event.HasField("activity_task_completed_event_attributes")
                    for event in (await handle.fetch_history()).events
                ):
                    await asyncio.sleep(0.05)

    async def finish(self, runs: Iterable[str]) -> list[str]:
        """Let the runs go on; returns which release finished each."""
        return list(await asyncio.gather(*(self._finish(run) for run in runs)))

    async def _finish(self, run: str) -> str:
        handle = self.client.get_workflow_handle(run, result_type=ContextUnit)
        await handle.signal("go")
        async with asyncio.timeout(_PATIENCE_S):
            unit: ContextUnit = await handle.result()
        return str(unit.payload["by"])

    async def failed_tasks(self, *runs: str) -> list[str]:
        """Return why workflow tasks of the runs failed, from their histories."""
        return [
            WorkflowTaskFailedCause.Name(event.workflow_task_failed_event_attributes.cause)
            for run in runs
            for event in (await self.client.get_workflow_handle(run).fetch_history()).events
            if event.HasField("workflow_task_failed_event_attributes")
        ]

    def close(self) -> None:
        """End every worker."""
        for version in list(self.workers):
            self.kill_worker(version)
