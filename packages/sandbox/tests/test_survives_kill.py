"""A program goes on whoever is killed: real processes, ended as a crash would end them."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sandbox_errands import errands
from sandbox_programs import Programs, until
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetStickyTaskQueueRequest

from contextworker.core.client import AsyncTask, ClientError
from contextworker.core.testing import running, temporal_server
from contextworker.core.testing.server import free_port
from contextworker.core.worker import shared_modules
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.sandbox.module import module

PROGRAM = """
ids = []
for n, pause in enumerate(pauses):
    ids.append(start_workflow('parcel', name=f'parcel-{n}', seconds=seconds))
    print(n)
    sleep(pause)
ended = wait_for(ids)
[len(set(ids)), [one['status'] for one in ended], [one['result']['name'] for one in ended]]
"""


@dataclass
class Processes:
    """The processes of the system, each of which can be killed and started again."""

    environment: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        """Start one."""
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", *command], env=self.environment, stderr=subprocess.DEVNULL
        )

    def start_sandbox(self, name: str) -> None:
        """Start a worker of the sandbox."""
        self.start(name, "contextworker.sandbox")

    def start_gateway(self) -> None:
        """Start the gateway."""
        self.start("gateway", "contextworker.gateway")

    def kill(self, name: str) -> None:
        """Kill -9."""
        process = self.running.pop(name)
        process.kill()
        process.wait()


@contextmanager
def processes(variables: Mapping[str, str]) -> Iterator[Processes]:
    """Begin without any; end those that run."""
    started = Processes({**os.environ, **variables})
    try:
        yield started
    finally:
        for name in list(started.running):
            started.kill(name)


@asynccontextmanager
async def system(
    folder: Path, *workers: str, gateway_apart: bool = False
) -> AsyncIterator[tuple[Processes, Programs]]:
    """Run Temporal, a gateway and workers, and what programs start by a worker that stays."""
    store = (folder / "objects").as_uri()
    async with AsyncExitStack() as stack:
        temporal = await stack.enter_async_context(temporal_server())
        client = await temporal.connect(*shared_modules([module]))
        port = (
            free_port()
            if gateway_apart
            else await stack.enter_async_context(gateway(client, GatewaySettings(port=0)))
        )
        variables = {
            **temporal.environment,
            "WORKER_PORT": str(port),
            "WORKER_ADDRESS": f"127.0.0.1:{port}",
            "CONTEXTWORKER_STORE_URL": store,
            "CONTEXTWORKER_SANDBOX_PROCESSES": "1",
        }
        started = stack.enter_context(processes(variables))
        for name in workers:
            started.start_sandbox(name)
        if gateway_apart:
            started.start_gateway()
        await stack.enter_async_context(running(client, errands))
        programs = await stack.enter_async_context(Programs.of(port, client, store))
        await until(lambda: _serves(programs))
        yield started, programs


async def _serves(programs: Programs) -> bool:
    try:
        modules = await programs.gateway.modules()
    except ClientError:
        return False
    return {"sandbox", "errands"} <= {found.name for found in modules}


async def events(programs: Programs, task: AsyncTask) -> list[str]:
    """List what the history knows of: a killed worker answers no query."""
    history = await programs.handle(task).fetch_history()
    return [str(event.WhichOneof("attributes")) for event in history.events]


async def forget_worker(programs: Programs, task: AsyncTask) -> None:
    """Let Temporal not wait for the run's last worker, as it else does for 10 s."""
    temporal = programs.temporal
    await temporal.workflow_service.reset_sticky_task_queue(
        ResetStickyTaskQueueRequest(
            namespace=temporal.namespace,
            execution=WorkflowExecution(workflow_id=task.workflow_id, run_id=task.run_id),
        )
    )


async def assert_all_is_well(programs: Programs, task: AsyncTask, count: int) -> None:
    """Each parcel came once, the program knows of each, and nothing is left behind."""
    result: dict[str, Any] = await task.result(timeout=100)
    names = [f"parcel-{n}" for n in range(count)]
    assert (None, [count, ["completed"] * count, names]) == (result["error"], result["result"])
    assert "".join(f"{n}\n" for n in range(count)) == result["stdout"]
    assert 2 * count + 1 == result["calls_made"]

    async def are_listed() -> bool:
        return await programs.runs("WorkflowType = 'parcel'") >= count

    await until(are_listed)  # Temporal's list lags behind
    assert count == await programs.runs("WorkflowType = 'parcel'")
    assert [] == programs.snapshots()
    await programs.replay(task)


async def test_a_program_goes_on_after_its_worker_is_killed(tmp_path: Path) -> None:
    """Each start happens once; another worker takes the program over where it stood."""
    async with system(tmp_path, "first") as (started, programs):
        # The pause is still on when Temporal has forgotten the worker: a timer that ended before
        # would be told to the killed one, and waited for.
        inputs = {"pauses": [10, 0], "seconds": 0.1}
        task = await programs.start(PROGRAM, inputs=inputs)

        async def sleeps() -> bool:
            return (await events(programs, task))[-1].startswith("timer_started")

        await until(sleeps)
        started.kill("first")
        await forget_worker(programs, task)
        assert (await events(programs, task))[-1].startswith("timer_started")
        started.start_sandbox("second")
        await assert_all_is_well(programs, task, 2)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1])
async def test_a_long_program_goes_on_whoever_is_killed(tmp_path: Path, seed: int) -> None:
    """Every worker at once, again and again at random points, and the gateway in between."""
    chance = random.Random(seed)
    async with system(tmp_path, "first", "second", gateway_apart=True) as (started, programs):
        inputs = {"pauses": [0.1] * 50, "seconds": 20}
        task = await programs.start(PROGRAM, inputs=inputs)
        for blow in range(6):
            known = len(await events(programs, task))

            async def goes_on(known: int = known) -> bool:
                return len(await events(programs, task)) > known

            await until(goes_on)
            await asyncio.sleep(chance.uniform(0, 2))
            started.kill("first")
            started.kill("second")
            if blow % 3 == 1:
                started.kill("gateway")
                await asyncio.sleep(chance.uniform(0, 2))
                started.start_gateway()
            started.start_sandbox("first")
            started.start_sandbox("second")
        await assert_all_is_well(programs, task, 50)
