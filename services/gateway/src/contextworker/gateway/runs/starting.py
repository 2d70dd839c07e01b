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
from contextworker.core.metrics.gateway import STARTS, Start, StartOutcome
from contextworker.core.tracing.headers import current_header
from contextworker.gateway.errors import RunNotFoundError
from contextworker.gateway.ownership.tenants import tenant_of
from contextworker.gateway.runs.earlier import Found, find
from contextworker.gateway.runs.executions import Executions
from contextworker.gateway.runs.following import describe
from contextworker.gateway.runs.plan import PlannedRun, Planner
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.run_attributes import RunAttributes

_REQUESTS = uuid.UUID("6d5b6e2f-5d0d-5b0b-9a51-9d2c3d6c1f0e")
_REJECT = WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
_ALLOW = WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
_FAIL = WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_FAIL
_JOIN = WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING


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
    attributes: RunAttributes
    executions: Executions

    async def start(self, unit: ContextUnit) -> StartReply:
        """Start the unit's run, or find the one that does its work already.

        The same unit sent again gets the same run, also once that run has closed and others have
        run under its id.

        Raises:
            InvalidRequestError: The payload does not fit the route.
            TenantDeniedError: It names a tenant that is not the caller's.
            UnknownWorkflowTypeError: No module serves the type.
            RouteConflictError: Several modules do.
            TooManyExecutionsError: It runs code, of which the tenant has too much open.
            TemporalUnavailableError: Nothing was started, or the answer was lost; send the same
                unit again.
        """
        run = await self.planner.plan(unit)
        await self.executions.admit(run)
        request = self._request(unit, run)
        if run.is_of_one_unit:
            claim = await self._send(request)
        else:
            claim = await self._claim(unit, run, request)
        outcome = StartOutcome.STARTED if claim.started else StartOutcome.ALREADY_RUNNING
        _count(run, StartOutcome.JOINED if claim.is_earlier else outcome)
        return StartReply(
            workflow_id=run.workflow_id,
            run_id=claim.run_id,
            status=StartStatus.STARTED if claim.started else StartStatus.ALREADY_RUNNING,
            workflow_type=run.workflow_type,
            task_queue=run.task_queue,
        )

    def _request(self, unit: ContextUnit, run: PlannedRun) -> StartWorkflowExecutionRequest:
        return StartWorkflowExecutionRequest(
            namespace=self.temporal.namespace,
            workflow_id=run.workflow_id,
            workflow_type=WorkflowType(name=run.workflow_type),
            task_queue=TaskQueue(name=run.task_queue),
            input=run.input,
            identity=self.temporal.identity,
            request_id=str(uuid.uuid5(_REQUESTS, unit.unit_id.lower())),
            workflow_id_reuse_policy=_REJECT,
            workflow_id_conflict_policy=_JOIN,
            # So that a unit which joined a run finds it again after the run has closed.
            on_conflict_options=OnConflictOptions(attach_request_id=True),
            memo=run.memo,
            search_attributes=run.search_attributes,
            user_metadata=run.user_metadata,
            priority=run.priority,
            header=current_header(),
        )

    async def _claim(
        self, unit: ContextUnit, run: PlannedRun, request: StartWorkflowExecutionRequest
    ) -> Found:
        """Start a run under an id that units share, unless this unit has its run already."""
        request.workflow_id_conflict_policy = _FAIL
        try:
            return await self._send(request)
        except _TakenError:
            # By a run that this unit neither started nor joined: Temporal would have said so.
            if before := await self._earlier(unit, run, request.request_id):
                return before
        request.workflow_id_conflict_policy = _JOIN
        request.workflow_id_reuse_policy = _ALLOW
        return await self._send(request)

    async def _earlier(self, unit: ContextUnit, run: PlannedRun, request_id: str) -> Found | None:
        try:
            described = await describe(self.temporal, run.workflow_id)
        except RunNotFoundError:  # Temporal has just forgotten it, and what was before it
            return None
        latest = described.workflow_execution_info
        if tenant_of(latest.search_attributes) not in (None, run.tenant_id):
            raise RuntimeError(f"the run {run.workflow_id!r} is another tenant's")
        return await find(self.temporal, latest, request_id, created_at=unit.created_at)

    async def _send(self, request: StartWorkflowExecutionRequest) -> Found:
        try:
            reply = await self.attributes.call(
                self.temporal.service.start_workflow_execution, request
            )
        except RPCError as error:
            failure = WorkflowExecutionAlreadyStartedFailure()
            if not any(detail.Unpack(failure) for detail in error.grpc_status.details):
                raise
            if request.workflow_id_conflict_policy == _FAIL:
                raise _TakenError from error
            # The id holds the unit's, so the closed run under it is this unit's own.
            return Found(failure.run_id, started=True, is_earlier=True)
        return Found(reply.run_id, reply.started)


def _count(run: PlannedRun, outcome: StartOutcome) -> None:
    STARTS.add(1, Start(run.workflow_type, run.tenant_id, outcome))


class _TakenError(Exception):
    """A run of another unit's has the workflow id."""
