"""The RPCs about schedules."""

from contextcore import ContextUnit
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.rpcs.requests import (
    DEFAULT_PAGE,
    TENANT_FIELD,
    TIME_FIELD,
    Context,
    Shape,
    Wire,
    page_fields,
)
from contextworker.gateway.schedules.control import MAX_NOTE_BYTES
from contextworker.gateway.schedules.definition import (
    DEFINITION,
    MAX_SCHEDULES,
    OVERLAP,
    SCHEDULE_ID,
    Definition,
    Overlap,
)
from contextworker.gateway.schedules.patching import Target
from contextworker.gateway.schedules.setup import Schedules
from contextworker.gateway.times import parsed

_ONE = {"schedule_id": SCHEDULE_ID, "tenant_id": TENANT_FIELD}
_NOTE = {"note": {"type": "string", "maxBytes": MAX_NOTE_BYTES}}
_LARGEST_PAGE = 100
_SET = Shape.of(
    {
        "schedules": {"type": "array", "maxItems": MAX_SCHEDULES, "items": DEFINITION},
        "tenant_id": TENANT_FIELD,
    },
    "schedules",
)
_PAGE = Shape.of({"tenant_id": TENANT_FIELD, **page_fields(_LARGEST_PAGE)})
_PAUSE = Shape.of({**_ONE, **_NOTE}, "schedule_id")
_TRIGGER = Shape.of({**_ONE, "overlap": OVERLAP}, "schedule_id")
_BACKFILL = Shape.of(
    {**_ONE, "overlap": OVERLAP, "start_at": TIME_FIELD, "end_at": TIME_FIELD},
    "schedule_id",
    "start_at",
    "end_at",
)
_DELETE = Shape.of(_ONE, "schedule_id")


class ScheduleRpcs:
    """Translates between units on the wire and schedules."""

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules

    async def RegisterSchedules(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Make or change schedules."""
        unit = _SET.read(request)
        reply = await self._schedules.registrar.register(
            unit,
            current_caller().tenant_for(unit.payload),
            [Definition.model_validate(one) for one in unit.payload["schedules"]],
        )
        return unit.child(reply, provenance="gateway:register_schedules").to_protobuf()

    async def ListSchedules(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """List schedules."""
        unit = _PAGE.read(request)
        named = "tenant_id" in unit.payload
        page = await self._schedules.lister.page(
            current_caller().tenant_for(unit.payload) if named else None,
            unit.payload.get("page_size", DEFAULT_PAGE),
            unit.payload.get("page_token", ""),
        )
        return unit.child(page, provenance="gateway:list_schedules").to_protobuf()

    async def PauseSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Stop a schedule from starting runs."""
        unit = _PAUSE.read(request)
        reply = await self._schedules.control.pause(_target(unit), unit.payload.get("note"))
        return unit.child(reply, provenance="gateway:pause_schedule").to_protobuf()

    async def ResumeSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Let a schedule start runs again."""
        unit = _PAUSE.read(request)
        reply = await self._schedules.control.resume(_target(unit), unit.payload.get("note"))
        return unit.child(reply, provenance="gateway:resume_schedule").to_protobuf()

    async def TriggerSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Start a schedule's run now."""
        unit = _TRIGGER.read(request)
        overlap = unit.payload.get("overlap")
        reply = await self._schedules.trigger.fire(
            _target(unit), unit.created_at, None if overlap is None else Overlap(overlap)
        )
        content = reply.model_dump(mode="json", exclude_none=True)
        return unit.child(content, provenance="gateway:trigger_schedule").to_protobuf()

    async def BackfillSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Start the runs of a past time."""
        unit = _BACKFILL.read(request)
        reply = await self._schedules.backfill.fill(
            _target(unit),
            parsed(unit.payload["start_at"]),
            parsed(unit.payload["end_at"]),
            Overlap(unit.payload.get("overlap", Overlap.BUFFER_ALL)),
        )
        return unit.child(reply, provenance="gateway:backfill_schedule").to_protobuf()

    async def DeleteSchedule(self, request: Wire, context: Context) -> Wire:  # noqa: ARG002, N802 - the proto's
        """Remove a schedule."""
        unit = _DELETE.read(request)
        reply = await self._schedules.control.delete(_target(unit))
        return unit.child(reply, provenance="gateway:delete_schedule").to_protobuf()


def _target(unit: ContextUnit) -> Target:
    tenant_id = current_caller().tenant_for(unit.payload)
    return Target(unit.unit_id, tenant_id, unit.payload["schedule_id"])
