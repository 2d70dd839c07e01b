"""Tells how a run stands: queued, under way, or how it ended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
)
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.messages import Message, Progress
from contextworker.gateway.errors import RunNotFoundError
from contextworker.gateway.runs.failures import TaskError
from contextworker.gateway.runs.pending import PendingActivity, read_activities
from contextworker.gateway.runs.progress import heartbeat_progress, overlaid, query_progress
from contextworker.gateway.runs.results import close_event, read_outcome
from contextworker.gateway.runs.times import iso
from contextworker.gateway.runs.waiting import find_waiting
from contextworker.gateway.temporal import Temporal


class Status(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TERMINATED = "terminated"
    TIMED_OUT = "timed_out"


_OPEN = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
_CONTINUED = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW
_CLOSED = {
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
    reason: str | None = None


@dataclass(frozen=True)
class StatusReader:
    """Reads runs' states from Temporal."""

    temporal: Temporal

    async def read(self, workflow_id: str, run_id: str = "") -> dict[str, Any]:
        """Return the payload that describes a run; a run that continued as new, by its latest.

        Raises:
            RunNotFoundError: Temporal knows no such run.
            TemporalUnavailableError: It does not answer.
        """
        described = await self._followed(workflow_id, run_id)
        info = described.workflow_execution_info
        if info.status in _CLOSED:
            return await self._closed(info)
        status = await self._open(described)
        return _payload(status)

    async def _describe(self, workflow_id: str, run_id: str) -> DescribeWorkflowExecutionResponse:
        try:
            return await self.temporal.call(
                self.temporal.service.describe_workflow_execution,
                DescribeWorkflowExecutionRequest(
                    namespace=self.temporal.namespace,
                    execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
                ),
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise RunNotFoundError(workflow_id, run_id) from error
            raise

    async def _followed(self, workflow_id: str, run_id: str) -> DescribeWorkflowExecutionResponse:
        described = await self._describe(workflow_id, run_id)
        info = described.workflow_execution_info
        if info.status != _CONTINUED:
            return described
        latest = await self._describe(workflow_id, "")
        if latest.workflow_execution_info.first_run_id == info.first_run_id:
            return latest
        # Another unit's run took the id since: walk along this one's own chain.
        while info.status == _CONTINUED:
            event = await close_event(self.temporal, info.execution)
            successor = event.workflow_execution_continued_as_new_event_attributes
            described = await self._describe(workflow_id, successor.new_execution_run_id)
            info = described.workflow_execution_info
        return described

    async def _closed(self, info: WorkflowExecutionInfo) -> dict[str, Any]:
        outcome = await read_outcome(self.temporal, info.execution)
        payload = _payload(
            _base(info, _CLOSED[info.status]).model_copy(
                update={"error": outcome.error, "reason": outcome.reason}
            )
        )
        return {**payload, "result": outcome.result} if outcome.has_result else payload

    async def _open(self, described: DescribeWorkflowExecutionResponse) -> TaskStatus:
        info = described.workflow_execution_info
        converter = self.temporal.converter(info.execution.workflow_id)
        activities = await read_activities(converter, described.pending_activities)
        waiting = await find_waiting(self.temporal, described)
        asked = await query_progress(self.temporal, info.execution) if waiting.answers else None
        live = await heartbeat_progress(converter, described.pending_activities)
        return _base(info, Status.QUEUED if waiting.queued else Status.RUNNING).model_copy(
            update={
                "progress": overlaid(asked, live),
                "error": waiting.error or activities.error,
                "pending_activities": activities.pending,
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
