"""The RPCs about runs: start, look, follow, cancel, list."""

from collections.abc import AsyncIterator

from contextworker.gateway.errors import NotOfferedError
from contextworker.gateway.rpcs.requests import RUN_FIELDS, Context, Shape, Wire, decoded
from contextworker.gateway.runs.starting import Starter
from contextworker.gateway.runs.status import StatusReader

_ONE_RUN = Shape.of(RUN_FIELDS, "workflow_id")


class TaskRpcs:
    """Translates between units on the wire and what happens to runs."""

    def __init__(self, starter: Starter, statuses: StatusReader) -> None:
        self._starter = starter
        self._statuses = statuses

    async def StartWorkflow(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Start the run that the payload's `workflow_type` names."""
        unit = decoded(request)
        started = await self._starter.start(unit)
        return unit.child(started, provenance="gateway:start_workflow").to_protobuf()

    async def GetTaskStatus(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Tell how a run stands."""
        unit = _ONE_RUN.read(request)
        status = await self._statuses.read(
            unit.payload["workflow_id"], unit.payload.get("run_id", "")
        )
        return unit.child(status, provenance="gateway:get_task_status").to_protobuf()

    async def ExecuteCode(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Refuse: no module runs code yet."""
        decoded(request)
        raise NotOfferedError(
            "this installation runs no code: no module announces the workflow type 'execute_code'"
        )

    async def WatchTask(self, request: Wire, context: Context) -> AsyncIterator[Wire]:  # noqa: ARG002, N802 - the proto's
        """Tell how a run stands whenever that changes, until it closes."""
        decoded(request)
        raise NotOfferedError("to come")
        yield

    async def CancelTask(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Ask a run to stop."""
        decoded(request)
        raise NotOfferedError("to come")

    async def ListTasks(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """List runs."""
        decoded(request)
        raise NotOfferedError("to come")
