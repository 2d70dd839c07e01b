"""The WorkerService: each call is decode, do, reply; what it raises, the interceptor maps."""

from typing import Any

import grpc
import jsonschema_rs

from contextcore import ContextUnit, UnitError, context_unit_pb2, worker_pb2_grpc
from contextworker.core.messages import RoutePayload
from contextworker.core.workflow_ids import MAX_CHARACTERS
from contextworker.gateway.errors import InvalidRequestError, NotOfferedError
from contextworker.gateway.payload_check import check
from contextworker.gateway.routing.modules import ModuleLister
from contextworker.gateway.runs.starting import Starter
from contextworker.gateway.runs.status import StatusReader

Wire = context_unit_pb2.ContextUnit
Context = grpc.aio.ServicerContext[Wire, Wire]

_STATUS_FIELDS: dict[str, Any] = {
    "workflow_id": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS},
    "run_id": {"type": "string", "format": "uuid"},
    "tenant_id": RoutePayload.model_json_schema()["properties"]["tenant_id"],
}
_STATUS_REQUEST = jsonschema_rs.validator_for(
    {
        "properties": _STATUS_FIELDS,
        "required": ["workflow_id"],
        "additionalProperties": False,
    },
    validate_formats=True,
)


class WorkerServicer(worker_pb2_grpc.WorkerServiceServicer):
    """Translates between units on the wire and what the gateway does."""

    def __init__(self, starter: Starter, statuses: StatusReader, modules: ModuleLister) -> None:
        self._starter = starter
        self._statuses = statuses
        self._modules = modules

    async def StartWorkflow(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Start the run that the payload's `workflow_type` names."""
        unit = _decoded(request)
        started = await self._starter.start(unit)
        return unit.child(started, provenance="gateway:start_workflow").to_protobuf()

    async def GetTaskStatus(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Tell how a run stands."""
        unit = _decoded(request)
        if problems := check(_STATUS_REQUEST, unit.payload, fields=_STATUS_FIELDS):
            raise InvalidRequestError(problems)
        status = await self._statuses.read(
            unit.payload["workflow_id"], unit.payload.get("run_id", "")
        )
        return unit.child(status, provenance="gateway:get_task_status").to_protobuf()

    async def ListModules(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """List the modules and their routes."""
        unit = _decoded(request)
        modules = {"modules": await self._modules.list()}
        return unit.child(modules, provenance="gateway:list_modules").to_protobuf()

    async def ExecuteCode(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Refuse: no module runs code yet."""
        _decoded(request)
        raise NotOfferedError(
            "this installation runs no code: no module announces the workflow type 'execute_code'"
        )


def _decoded(request: Wire) -> ContextUnit:
    try:
        return ContextUnit.from_protobuf(request)
    except UnitError as error:
        raise InvalidRequestError(error.violations) from error
