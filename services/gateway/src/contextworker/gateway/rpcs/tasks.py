"""The RPCs about runs: start, look, follow, cancel, list."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from contextcore import ContextUnit
from contextworker.gateway.rpcs.requests import (
    DEFAULT_PAGE,
    RUN_FIELDS,
    Context,
    Shape,
    Wire,
    decoded,
)
from contextworker.gateway.rpcs.task_filters import FILTER_FIELDS, read_filter
from contextworker.gateway.runs.access import AskedRun
from contextworker.gateway.runs.tasks import Tasks

_MOST_REASON = 1000

_ONE_RUN = Shape.of(RUN_FIELDS, "workflow_id")
_CANCEL = Shape.of(
    {**RUN_FIELDS, "reason": {"type": "string", "maxLength": _MOST_REASON}}, "workflow_id"
)
_LIST = Shape.of(FILTER_FIELDS)


class TaskRpcs:
    """Translates between units on the wire and what happens to runs."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    async def StartWorkflow(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Start the run that the payload's `workflow_type` names."""
        unit = decoded(request)
        started = await self._tasks.starter.start(unit)
        return unit.child(started, provenance="gateway:start_workflow").to_protobuf()

    async def GetTaskStatus(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Tell how a run stands."""
        unit = _ONE_RUN.read(request)
        status = await self._tasks.statuses.read(_asked(unit))
        return unit.child(status, provenance="gateway:get_task_status").to_protobuf()

    async def WatchTask(self, request: Wire, context: Context) -> AsyncGenerator[Wire, None]:  # noqa: ARG002, N802 - the proto's
        """Tell how a run stands whenever that changes, until it closes."""
        unit = _ONE_RUN.read(request)
        async with aclosing(self._tasks.watches.watch(_asked(unit))) as statuses:
            async for status in statuses:
                yield unit.child(status, provenance="gateway:watch_task").to_protobuf()

    async def CancelTask(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Ask a run to stop."""
        unit = _CANCEL.read(request)
        cancelled = await self._tasks.canceller.cancel(
            _asked(unit), reason=unit.payload.get("reason", ""), unit_id=unit.unit_id
        )
        return unit.child(cancelled, provenance="gateway:cancel_task").to_protobuf()

    async def ListTasks(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """List runs."""
        unit = _LIST.read(request)
        page = await self._tasks.lister.list(
            read_filter(unit.payload),
            page_size=unit.payload.get("page_size", DEFAULT_PAGE),
            page_token=unit.payload.get("page_token", ""),
        )
        return unit.child(page, provenance="gateway:list_tasks").to_protobuf()


def _asked(unit: ContextUnit) -> AskedRun:
    payload = unit.payload
    return AskedRun(payload["workflow_id"], payload.get("run_id", ""), payload.get("tenant_id"))
