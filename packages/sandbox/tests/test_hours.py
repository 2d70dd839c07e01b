"""Programs that wait for hours, on a server whose clock goes on when everybody waits."""

import sysconfig
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sandbox_errands import errands
from temporalio import activity
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from contextcore import ContextUnit
from contextworker.core.caller import MEMO_KEY, CallerRights
from contextworker.core.objects import ObjectStore
from contextworker.core.plugin import ContextPlugin
from contextworker.core.registry import Activity, ModuleConfig
from contextworker.core.settings import WorkerSettings
from contextworker.core.testing import running
from contextworker.core.worker import shared_modules
from contextworker.sandbox.activities.turns import Turns
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.execution.waiting import LONGEST_PAUSE_S
from contextworker.sandbox.limits import TenantLimits
from contextworker.sandbox.messages import (
    PLATFORM_TOOLS,
    Answer,
    StartedTask,
    TaskQuestion,
    TaskStart,
)
from contextworker.sandbox.module import module
from contextworker.sandbox.settings import SandboxSettings

PROGRAM = """
import time
ids = [start_workflow('parcel', name=f'ship-{n}', seconds=seconds + n) for n in range(count)]
ended = wait_for(ids)
time.sleep(seconds)
[one['status'] for one in ended]
"""


class Straight:
    """What a gateway does for code, without one: it needs more of a server than this one has."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.looks = 0

    @activity.defn(name="start_task")
    async def start_task(self, start: TaskStart) -> Answer:
        """Start the workflow that the unit names."""
        handle = await self._client.start_workflow(
            start.unit.payload["workflow_type"],
            start.unit,
            id=start.unit.unit_id,
            task_queue=errands.queue,
        )
        started = StartedTask(workflow_id=handle.id, run_id=handle.first_execution_run_id or "")
        return Answer(value=started.model_dump())

    @activity.defn(name="task_status")
    async def task_status(self, question: TaskQuestion) -> Answer:
        """Tell whether it has closed."""
        self.looks += 1
        description = await self._client.get_workflow_handle(question.workflow_id).describe()
        status = "running" if description.close_time is None else "completed"
        return Answer(value={"workflow_id": question.workflow_id, "status": status})


@pytest.mark.parametrize(
    ("count", "seconds"),
    [(1, 600), pytest.param(3, 7200, marks=pytest.mark.slow)],
    ids=["minutes", "hours"],
)
async def test_a_program_waits_for_long(tmp_path: Path, count: int, seconds: int) -> None:
    """Looking ever less often, and within its limits: what it waits is no computing."""
    plugin = ContextPlugin(*shared_modules([module]))
    program = sysconfig.get_path("scripts") + "/temporal-test-server"
    rights = CallerRights(subject="ada", tenant_id="acme")
    inputs = {"count": count, "seconds": seconds}
    unit = ContextUnit(
        payload={
            "workflow_type": "execute_code",
            "code": PROGRAM,
            "timeout": 5,
            "inputs": inputs,
        }
    )
    async with (
        await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=program, plugins=[plugin]
        ) as skipping,
        Interpreter.open(SandboxSettings(processes=1), tools=PLATFORM_TOOLS) as interpreter,
    ):
        turns = Turns(interpreter, ObjectStore.from_url(tmp_path.as_uri()), TenantLimits())
        straight = Straight(skipping.client)

        @asynccontextmanager
        async def open_activities() -> AsyncIterator[Sequence[Activity]]:
            yield [
                turns.start_turn,
                turns.resume_turn,
                turns.discard_snapshots,
                straight.start_task,
                straight.task_status,
            ]

        sandbox = ModuleConfig(module.name, module.workflows, open_activities)
        settings = WorkerSettings(shutdown_grace_s=1, versioning=False)
        async with running(skipping.client, sandbox, errands, settings=settings):
            began = await skipping.get_current_time()
            answer: ContextUnit = await skipping.client.execute_workflow(
                "execute_code",
                unit,
                id="hours",
                task_queue=module.queue,
                memo={MEMO_KEY: rights},
                result_type=ContextUnit,
            )
            passed = await skipping.get_current_time() - began

    assert (None, ["completed"] * count) == (answer.payload["error"], answer.payload["result"])
    assert passed >= timedelta(seconds=2 * seconds)
    assert straight.looks <= 1.2 * count * seconds / LONGEST_PAUSE_S + 30
