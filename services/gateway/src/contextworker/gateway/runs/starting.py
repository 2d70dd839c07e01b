"""Starts runs: exactly one per unit, and one at a time per workflow id."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from temporalio.api.common.v1 import WorkflowType
from temporalio.api.enums.v1 import WorkflowIdConflictPolicy, WorkflowIdReusePolicy
from temporalio.api.errordetails.v1 import WorkflowExecutionAlreadyStartedFailure
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import OnConflictOptions
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest
from temporalio.service import RPCError

from contextcore import ContextUnit
from contextworker.core.messages import Message
from contextworker.gateway.runs.plan import Planner
from contextworker.gateway.temporal import Temporal

_REQUESTS = uuid.UUID("6d5b6e2f-5d0d-5b0b-9a51-9d2c3d6c1f0e")


class StartStatus(StrEnum):
    """What a start found."""

    STARTED = "started"
    ALREADY_RUNNING = "already_running"


class StartReply(Message):
    """Which run does the unit's work, and whether this unit started it."""

    workflow_id: str
    run_id: str
    status: StartStatus
    workflow_type: str
    task_queue: str


@dataclass(frozen=True)
class Starter:
    """Turns a unit into a run of the workflow its payload names."""

    temporal: Temporal
    planner: Planner

    async def start(self, unit: ContextUnit) -> StartReply:
        """Start the unit's run, or find the one that does its work already.

        The same unit sent again gets the same run, also once that run has closed: Temporal keeps
        the ids of the requests that started a run or joined it.

        Raises:
            InvalidRequestError: The payload does not fit the route.
            UnknownWorkflowTypeError: No module serves the type.
            RouteConflictError: Several modules do.
            TemporalUnavailableError: Nothing was started, or the answer was lost; send the same
                unit again.
        """
        run = await self.planner.plan(unit)
        reuse = (
            WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
            if run.is_of_one_unit
            else WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
        )
        request = StartWorkflowExecutionRequest(
            namespace=self.temporal.namespace,
            workflow_id=run.workflow_id,
            workflow_type=WorkflowType(name=run.workflow_type),
            task_queue=TaskQueue(name=run.task_queue),
            input=run.input,
            identity=self.temporal.identity,
            request_id=str(uuid.uuid5(_REQUESTS, unit.unit_id.lower())),
            workflow_id_reuse_policy=reuse,
            workflow_id_conflict_policy=WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
            # So that a unit which joined a run finds it again after the run has closed.
            on_conflict_options=OnConflictOptions(attach_request_id=True),
            memo=run.memo,
            user_metadata=run.user_metadata,
            priority=run.priority,
        )
        run_id, started = await self._send(request)
        return StartReply(
            workflow_id=run.workflow_id,
            run_id=run_id,
            status=StartStatus.STARTED if started else StartStatus.ALREADY_RUNNING,
            workflow_type=run.workflow_type,
            task_queue=run.task_queue,
        )

    async def _send(self, request: StartWorkflowExecutionRequest) -> tuple[str, bool]:
        try:
            reply = await self.temporal.call(
                self.temporal.service.start_workflow_execution, request
            )
        except RPCError as error:
            failure = WorkflowExecutionAlreadyStartedFailure()
            if not any(detail.Unpack(failure) for detail in error.grpc_status.details):
                raise
            # The id holds the unit's, so the closed run under it is this unit's own.
            return failure.run_id, True
        return reply.run_id, reply.started
