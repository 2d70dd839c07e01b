"""Starts runs: exactly one per unit, and one at a time per workflow id."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

import jsonschema_rs
from temporalio.api.common.v1 import Payloads, Priority, WorkflowType
from temporalio.api.enums.v1 import WorkflowIdConflictPolicy, WorkflowIdReusePolicy
from temporalio.api.errordetails.v1 import WorkflowExecutionAlreadyStartedFailure
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import OnConflictOptions
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest
from temporalio.service import RPCError

from contextcore import ContextUnit, Violation
from contextworker.core.messages import DEFAULT_TENANT, Message, RoutePayload
from contextworker.core.workflow_ids import MAX_CHARACTERS
from contextworker.gateway.errors import InvalidRequestError
from contextworker.gateway.payload_check import check
from contextworker.gateway.routing import workflow_ids
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.routes import RouteInfo
from contextworker.gateway.settings import MAX_RUN_INPUT_BYTES
from contextworker.gateway.temporal import Temporal

_REQUESTS = uuid.UUID("6d5b6e2f-5d0d-5b0b-9a51-9d2c3d6c1f0e")
_MIB = 1024 * 1024


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


# Holds for every route, whatever its own schema says.
_COMMON = {
    "properties": {
        "workflow_type": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS},
        "tenant_id": RoutePayload.model_json_schema()["properties"]["tenant_id"],
    },
    "required": ["workflow_type"],
}
_COMMON_VALIDATOR = jsonschema_rs.validator_for(_COMMON)


@dataclass(frozen=True)
class Starter:
    """Turns a unit into a run of the workflow its payload names."""

    temporal: Temporal
    routes: RouteCache

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
        route = await self._route(unit)
        tenant_id = unit.payload.get("tenant_id", DEFAULT_TENANT)
        template = route.announced.workflow_id
        if template is None:
            workflow_id = workflow_ids.from_unit(route.workflow_type, tenant_id, unit.unit_id)
            reuse = WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
        else:
            workflow_id = workflow_ids.from_template(route, template, unit.payload)
            reuse = WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
        request = StartWorkflowExecutionRequest(
            namespace=self.temporal.namespace,
            workflow_id=workflow_id,
            workflow_type=WorkflowType(name=route.workflow_type),
            task_queue=TaskQueue(name=route.task_queue),
            input=await self._input(unit, workflow_id),
            identity=self.temporal.identity,
            request_id=str(uuid.uuid5(_REQUESTS, unit.unit_id.lower())),
            workflow_id_reuse_policy=reuse,
            workflow_id_conflict_policy=WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
            # So that a unit which joined a run finds it again after the run has closed.
            on_conflict_options=OnConflictOptions(attach_request_id=True),
            user_metadata=await self._summary(route, workflow_id),
            priority=Priority(fairness_key=tenant_id),
        )
        run_id, started = await self._send(request)
        return StartReply(
            workflow_id=workflow_id,
            run_id=run_id,
            status=StartStatus.STARTED if started else StartStatus.ALREADY_RUNNING,
            workflow_type=route.workflow_type,
            task_queue=route.task_queue,
        )

    async def _route(self, unit: ContextUnit) -> RouteInfo:
        problems = check(_COMMON_VALIDATOR, unit.payload)
        if any(problem.field == "payload.workflow_type" for problem in problems):
            raise InvalidRequestError(problems)
        route = await self.routes.find(unit.payload["workflow_type"])
        problems += check(route.validator, unit.payload, fields=route.fields)
        if problems:
            raise InvalidRequestError(list(dict.fromkeys(problems)))
        return route

    async def _input(self, unit: ContextUnit, workflow_id: str) -> Payloads:
        payloads = await self.temporal.converter(workflow_id).encode([unit])
        size = sum(payload.ByteSize() for payload in payloads)
        if size > MAX_RUN_INPUT_BYTES:
            raise InvalidRequestError(
                [
                    Violation(
                        "payload",
                        f"is {size / _MIB:.1f} MiB as a run's input, which holds "
                        f"{MAX_RUN_INPUT_BYTES // _MIB} MiB; put bulk data into a store and send "
                        "a reference to it",
                    )
                ]
            )
        return Payloads(payloads=payloads)

    async def _summary(self, route: RouteInfo, workflow_id: str) -> UserMetadata | None:
        if not route.announced.description:
            return None
        [summary] = await self.temporal.converter(workflow_id).encode([route.announced.description])
        return UserMetadata(summary=summary)

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
