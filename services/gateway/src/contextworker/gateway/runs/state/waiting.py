"""Finds out who an open run waits for, and says so."""

from dataclasses import dataclass

from temporalio.api.enums.v1 import (
    PendingActivityState,
    PendingWorkflowTaskState,
    TaskQueueType,
    VersioningBehavior,
)
from temporalio.api.workflow.v1 import PendingActivityInfo, WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from contextworker.core.pollers import Version
from contextworker.gateway.runs.state.failures import TaskError
from contextworker.gateway.runs.state.workflow_task import workflow_task_error
from contextworker.gateway.task_queues import Queues, version_of
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.times import moment

_EVENTS_BEFORE_FIRST_TASK = 2
_FIRST_RETRY = 2
_FAILING_ATTEMPTS = 3  # the second may follow a worker's death, of which nobody tells
_WAITS = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED


@dataclass(frozen=True)
class Waiting:
    """What holds an open run up, if anything does."""

    queued: bool = False
    """Its workflow task waits and nobody is there to take it."""

    reason: str | None = None
    """A sentence; None where the run is simply being worked on."""

    answers: bool = False
    """Whether a worker is there to answer a query."""

    error: TaskError | None = None
    """What the run's own code failed with, while it is tried again."""


async def find_waiting(
    temporal: Temporal, queues: Queues, described: DescribeWorkflowExecutionResponse
) -> Waiting:
    """Look at a run's pending tasks and at who polls their queues."""
    info, task = described.workflow_execution_info, described.pending_workflow_task
    version = _pinned_version(info)
    queue = await queues.read(info.task_queue)
    waits = task.state == _WAITS
    since = moment(task.scheduled_time) if waits else None
    nobody = queue.why_nobody(version=version, waiting_since=since)
    answers = nobody is None and not waits  # a query would wait behind the task
    error = await workflow_task_error(temporal, info, task)
    if nobody and waits:
        cancelled = described.workflow_extended_info.cancel_requested  # an event as well
        has_begun = info.history_length > _EVENTS_BEFORE_FIRST_TASK + cancelled
        reason = f"{nobody}; the run {'goes on' if has_begun else 'starts'} when one does"
        if cancelled:
            reason = f"{reason}, and is then told that it was cancelled"
        return Waiting(queued=True, reason=reason, error=error)
    if error or task.attempt >= _FAILING_ATTEMPTS:
        times = "once" if task.attempt == _FIRST_RETRY else f"{task.attempt - 1} times"
        reason = (
            f"the run's workflow code failed or timed out {times} and is tried again until it "
            "succeeds; the worker's log says more"
        )
        return Waiting(reason=reason, error=error)
    for activity in described.pending_activities:
        held_up = await _activity_waits(queues, activity, info.task_queue, version)
        if held_up:
            return Waiting(reason=held_up, answers=answers)
    return Waiting(answers=answers)


async def _activity_waits(
    queues: Queues, activity: PendingActivityInfo, task_queue: str, version: Version | None
) -> str | None:
    backs_off = activity.HasField("next_attempt_schedule_time")
    if activity.state != PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED or backs_off:
        return None
    queue = await queues.read(
        activity.activity_options.task_queue.name or task_queue,
        TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    nobody = queue.why_nobody(version=version, waiting_since=moment(activity.scheduled_time))
    if nobody is None:
        return None
    name = activity.activity_type.name
    if queue.live(version=version):  # polled within the minute: all its slots may be taken
        return f"activity {name} waits: the workers of {queue.name} are busy, or have just gone"
    return f"{nobody}; activity {name} waits for one"


def _pinned_version(info: WorkflowExecutionInfo) -> Version | None:
    versioning = info.versioning_info
    if versioning.behavior != VersioningBehavior.VERSIONING_BEHAVIOR_PINNED:
        return None
    return version_of(versioning.deployment_version)
