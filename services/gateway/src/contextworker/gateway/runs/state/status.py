"""Tells how a run stands: queued, under way, or how it ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from contextworker.core.messages import Message, Progress
from contextworker.gateway.runs.access import AskedRun, find_own
from contextworker.gateway.runs.state.failures import TaskError
from contextworker.gateway.runs.state.pending import PendingActivity, read_activities
from contextworker.gateway.runs.state.progress import heartbeat_progress, overlaid, query_progress
from contextworker.gateway.runs.state.results import read_outcome
from contextworker.gateway.runs.state.waiting import find_waiting
from contextworker.gateway.task_queues import Queues
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.times import iso

AskProgress = Callable[[WorkflowExecutionInfo], Awaitable[Progress | None]]


class Status(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    TIMED_OUT = "timed_out"


CLOSED = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED: Status.COMPLETED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED: Status.FAILED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED: Status.CANCELLED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED: Status.TERMINATED,
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: Status.TIMED_OUT,
}


class TaskStatus(Message):
    """One run as its caller sees it; what does not apply is None, and left out of the reply."""

    workflow_id: str
    run_id: str
    workflow_type: str
    status: Status
    task_queue: str
    started_at: str | None
    closed_at: str | None = None
    progress: Progress | None = None
    error: TaskError | None = None
    pending_activities: tuple[PendingActivity, ...] = ()
    cancel_requested: bool | None = None
    reason: str | None = None


@dataclass(frozen=True)
class StatusReader:
    """Reads runs' states from Temporal."""

    temporal: Temporal
    queues: Queues

    async def read(self, asked: AskedRun) -> dict[str, Any]:
        """Return the payload that describes a run of the caller's.

        A run that continued as new is described by its latest.

        Raises:
            TenantDeniedError: The caller names a tenant that is not its own.
            RunNotFoundError: There is no such run, or it is another tenant's.
            ScopeMissingError: Its unit asks for scopes that the caller does not hold.
            TemporalUnavailableError: Temporal does not answer.
        """
        return await self.of(await find_own(self.temporal, asked, to="read"))

    async def of(
        self, described: DescribeWorkflowExecutionResponse, *, ask: AskProgress | None = None
    ) -> dict[str, Any]:
        """Return the payload that describes a run, whoever wants to know.

        Args:
            described: The run; none that continued as new.
            ask: Answers the query `progress` in the run's stead.
        """
        info = described.workflow_execution_info
        if info.status in CLOSED:
            return await self._closed(info)
        return _payload(await self._open(described, ask or self._ask))

    async def _ask(self, info: WorkflowExecutionInfo) -> Progress | None:
        return await query_progress(self.temporal, info.execution)

    async def _closed(self, info: WorkflowExecutionInfo) -> dict[str, Any]:
        outcome = await read_outcome(self.temporal, info.execution)
        payload = _payload(
            _base(info, CLOSED[info.status]).model_copy(
                update={"error": outcome.error, "reason": outcome.reason}
            )
        )
        return {**payload, "result": outcome.result} if outcome.has_result else payload

    async def _open(
        self, described: DescribeWorkflowExecutionResponse, ask: AskProgress
    ) -> TaskStatus:
        info = described.workflow_execution_info
        converter = self.temporal.converter(info.execution.workflow_id)
        activities = await read_activities(converter, described.pending_activities)
        waiting = await find_waiting(self.temporal, self.queues, described)
        asked = await ask(info) if waiting.answers else None
        live = await heartbeat_progress(converter, described.pending_activities)
        return _base(info, Status.QUEUED if waiting.queued else Status.RUNNING).model_copy(
            update={
                "progress": overlaid(asked, live),
                "error": waiting.error or activities.error,
                "pending_activities": activities.pending,
                "cancel_requested": described.workflow_extended_info.cancel_requested or None,
                "reason": waiting.reason,
            }
        )


def _base(info: WorkflowExecutionInfo, status: Status) -> TaskStatus:
    return TaskStatus(
        workflow_id=info.execution.workflow_id,
        run_id=info.execution.run_id,
        workflow_type=info.type.name,
        status=status,
        task_queue=info.task_queue,
        started_at=iso(info.start_time),
        closed_at=iso(info.close_time),
    )


def _payload(status: TaskStatus) -> dict[str, Any]:
    return status.model_dump(mode="json", exclude_none=True)
