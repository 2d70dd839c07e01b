"""The unit of a scheduled run, on Temporal's own schedules."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from echo import EchoWorkflow
from relay import RelayWorkflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
    ScheduleSpec,
    WorkflowHistory,
)
from temporalio.worker import Replayer, Worker

from contextcore import ContextUnit
from contextworker.core.plugin import ContextPlugin
from contextworker.core.scheduled import REGISTERED

QUEUE = "scheduled-tasks"


@asynccontextmanager
async def scheduled(
    client: Client, workflow_type: str, unit: ContextUnit
) -> AsyncIterator[ScheduleHandle]:
    """Keep a schedule that starts nothing by itself, and a worker that replays at every step."""
    action = ScheduleActionStartWorkflow(
        workflow_type, unit, id=f"{workflow_type}-{uuid.uuid4()}", task_queue=QUEUE
    )
    handle = await client.create_schedule(
        f"test-{uuid.uuid4()}", Schedule(action=action, spec=ScheduleSpec())
    )
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[EchoWorkflow, RelayWorkflow],
        max_cached_workflows=0,
    ):
        yield handle
    await handle.delete()


async def fire(client: Client, handle: ScheduleHandle) -> tuple[str, ContextUnit]:
    """Start one more run; returns its id and its answer."""
    before = (await handle.describe()).info.num_actions
    async with asyncio.timeout(60):
        while (info := (await handle.describe()).info).num_actions == before:
            await handle.trigger()  # a second's triggers are one run
            await asyncio.sleep(0.05)
    run = info.recent_actions[-1].action
    assert isinstance(run, ScheduleActionExecutionStartWorkflow)
    answer = await client.get_workflow_handle(run.workflow_id, result_type=ContextUnit).result()
    return run.workflow_id, answer


def kept_unit(*provenance: str) -> ContextUnit:
    """Make the unit that a schedule keeps."""
    return ContextUnit(payload={"supplier": "camping-trade"}, provenance=["a:b", *provenance])


async def test_every_run_has_a_unit_of_its_own(temporal_client: Client) -> None:
    """It follows the unit the schedule keeps, begins a trace, and is the same at every replay."""
    kept = kept_unit(REGISTERED)

    async with scheduled(temporal_client, "echo", kept) as handle:
        answers = [(await fire(temporal_client, handle))[1] for _ in range(2)]

    [first, second] = answers
    assert ["a:b", REGISTERED, "gateway:schedule", "worker:echo"] == first.provenance
    assert kept.payload == first.payload
    units = {first.parent_unit_id, second.parent_unit_id, kept.unit_id}
    traces = {first.trace_id, second.trace_id, kept.trace_id}
    assert (3, 3) == (len(units), len(traces))
    assert kept.created_at < first.created_at < second.created_at


async def test_what_a_scheduled_run_hands_on_stays_its_own(temporal_client: Client) -> None:
    """A run that continues as new keeps its trace: it is still the same firing."""
    async with scheduled(temporal_client, "relay", kept_unit(REGISTERED)) as handle:
        workflow_id, answer = await fire(temporal_client, handle)

    assert [
        "a:b", REGISTERED, "gateway:schedule", "worker:relay:next", "worker:relay"
    ] == answer.provenance  # fmt: skip
    latest = await temporal_client.get_workflow_handle(workflow_id).fetch_history()
    started = latest.events[0].workflow_execution_started_event_attributes
    assert "TemporalScheduledById" in started.search_attributes.indexed_fields


async def test_a_scheduled_runs_history_replays(temporal_client: Client) -> None:
    """The ids come from Temporal's own sources, so that a new worker makes them again."""
    async with scheduled(temporal_client, "echo", kept_unit(REGISTERED)) as handle:
        workflow_id, _ = await fire(temporal_client, handle)

    history: WorkflowHistory = await temporal_client.get_workflow_handle(
        workflow_id
    ).fetch_history()
    replayer = Replayer(workflows=[EchoWorkflow], plugins=[ContextPlugin()])
    assert (await replayer.replay_workflow(history)).replay_failure is None


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(kept_unit(), id="another unit"),
        pytest.param(kept_unit(REGISTERED, "commerce:edit"), id="what became of it"),
    ],
)
async def test_a_schedule_of_another_making_keeps_its_unit(
    temporal_client: Client, kept: ContextUnit
) -> None:
    """Only what the gateway registered is a pattern to make units from."""
    async with scheduled(temporal_client, "echo", kept) as handle:
        _, answer = await fire(temporal_client, handle)

    assert (kept.unit_id, kept.trace_id) == (answer.parent_unit_id, answer.trace_id)


async def test_a_run_that_no_schedule_started_keeps_its_unit(temporal_client: Client) -> None:
    """A provenance alone says little: callers write it."""
    kept = kept_unit(REGISTERED)

    async with Worker(temporal_client, task_queue=QUEUE, workflows=[EchoWorkflow]):
        answer: ContextUnit = await temporal_client.execute_workflow(
            "echo", kept, id=f"echo-{uuid.uuid4()}", task_queue=QUEUE, result_type=ContextUnit
        )

    assert kept.unit_id == answer.parent_unit_id
