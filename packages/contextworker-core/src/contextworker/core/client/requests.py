"""Builds each call: its unit, made once and sent again as it is, and how its reply is read."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from contextcore import ContextUnit, UnitError, context_unit_pb2
from contextworker.core.client import replies
from contextworker.core.client.errors import (
    ClientError,
    GatewayFaultError,
    InvalidRequestError,
    ScheduleNotFoundError,
)
from contextworker.core.client.execution import Execution
from contextworker.core.client.schedule import Schedule
from contextworker.core.errors import ConfigurationError
from contextworker.core.tracing.units import follow_trace

T = TypeVar("T")
R = TypeVar("R", bound=replies.Reply)
_SERVICE: Final = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call to be made, however often it takes."""

    rpc: str
    unit: ContextUnit
    message: context_unit_pb2.ContextUnit
    read_payload: Callable[[dict[str, Any]], T]
    when_repeated: tuple[type[ClientError], T] | None = None
    """An error that, on a repeated call, tells that the first one was done; and its reply."""

    long: bool = False
    """Whether the gateway may need all the call's time, so that an attempt is given it."""

    def reply_despite(self, error: ClientError, *, repeated: bool) -> T:
        """Return the reply of a repeated call that failed only because the first one was done.

        Raises:
            ClientError: The error, where it is another one.
        """
        if repeated and self.when_repeated and isinstance(error, self.when_repeated[0]):
            return self.when_repeated[1]
        raise error

    def read(self, reply: context_unit_pb2.ContextUnit) -> T:
        """Read a reply.

        Raises:
            GatewayFaultError: It is none.
        """
        try:
            return self.read_payload(ContextUnit.from_protobuf(reply).payload)
        except (UnitError, ValidationError) as error:
            raise GatewayFaultError(
                f"the reply to {self.rpc} cannot be read; is what answers a gateway, and not much "
                f"newer than this client? {error}"
            ) from error


@dataclass(frozen=True)
class Requests:
    """Builds the calls that a service makes.

    Raises:
        ConfigurationError: The service's name cannot stand in a unit's provenance.
    """

    service: str

    def __post_init__(self) -> None:
        if not _SERVICE.fullmatch(self.service):
            raise ConfigurationError(
                f"service {self.service!r}: use a name, or service:subsystem, of letters, digits, "
                "`_`, `.` and `-`; it stands in each unit's provenance"
            )

    def start(
        self,
        what: str | ContextUnit,
        payload: Mapping[str, Any] | BaseModel | None,
        fields: Mapping[str, Any],
        *,
        parent: ContextUnit | None,
        provenance: str | None,
    ) -> Call[replies.Started]:
        """Start a run, of a unit as it is, or of one made of a workflow type and fields.

        Raises:
            TypeError: A unit is given, and something besides; or two workflow types.
            InvalidRequestError: The fields cannot travel.
        """
        if isinstance(what, ContextUnit):
            if payload is not None or fields or parent or provenance:
                raise TypeError("a unit is started as it is: give it alone")
            return _call("StartWorkflow", what, replies.Started)
        given = payload.model_dump(mode="json") if isinstance(payload, BaseModel) else payload
        content = {**(given or {}), **fields}
        if content.get("workflow_type") not in (None, "", what):
            raise TypeError(f"two workflow types: {what!r} and {content['workflow_type']!r}")
        content["workflow_type"] = what
        return _call(
            "StartWorkflow",
            self._unit(content, "start_workflow", parent, provenance),
            replies.Started,
        )

    def execute(self, code: str, *, parent: ContextUnit | None, **options: Any) -> Call[Execution]:
        """Run a program.

        Raises:
            InvalidRequestError: Its inputs cannot travel.
        """
        unit = self._unit({"code": code, **_given(**options)}, "execute_code", parent)
        return _call("ExecuteCode", unit, Execution)

    def status(self, workflow_id: str, run_id: str | None) -> Call[replies.TaskStatus]:
        """Ask how a run stands."""
        return self._about_run("GetTaskStatus", "get_task_status", workflow_id, run_id)

    def watch(self, workflow_id: str, run_id: str | None) -> Call[replies.TaskStatus]:
        """Follow a run."""
        return self._about_run("WatchTask", "watch_task", workflow_id, run_id)

    def cancel(
        self, workflow_id: str, run_id: str | None, reason: str | None
    ) -> Call[replies.Cancelled]:
        """Ask a run to stop."""
        payload = _given(workflow_id=workflow_id, run_id=run_id, reason=reason)
        return _call("CancelTask", self._unit(payload, "cancel_task"), replies.Cancelled)

    def tasks(self, page_token: str | None, **filters: Any) -> Call[replies.TaskPage]:
        """List a page of runs."""
        payload = _given(page_token=page_token, **filters)
        return _call("ListTasks", self._unit(payload, "list_tasks"), replies.TaskPage)

    def modules(self) -> Call[replies.ModuleList]:
        """List the modules."""
        return _call("ListModules", self._unit({}, "list_modules"), replies.ModuleList)

    def register(
        self, schedules: Iterable[Schedule | Mapping[str, Any]], tenant_id: str | None
    ) -> Call[replies.Registered]:
        """Make or change a set of schedules."""
        entries = [
            schedule.payload_entry() if isinstance(schedule, Schedule) else dict(schedule)
            for schedule in schedules
        ]
        payload = _given(schedules=entries, tenant_id=tenant_id)
        call = _call(
            "RegisterSchedules", self._unit(payload, "register_schedules"), replies.Registered
        )
        return replace(call, long=True)

    def schedules(self, page_token: str | None, **filters: Any) -> Call[replies.SchedulePage]:
        """List a page of schedules."""
        payload = _given(page_token=page_token, **filters)
        return _call("ListSchedules", self._unit(payload, "list_schedules"), replies.SchedulePage)

    def change_schedule(
        self, rpc: str, schedule_id: str, **more: Any
    ) -> Call[replies.ScheduleChanged]:
        """Pause or resume a schedule."""
        return self._about_schedule(rpc, replies.ScheduleChanged, schedule_id, **more)

    def trigger(self, schedule_id: str, **more: Any) -> Call[replies.Triggered]:
        """Start a schedule's run now."""
        return self._about_schedule("TriggerSchedule", replies.Triggered, schedule_id, **more)

    def backfill(self, schedule_id: str, **more: Any) -> Call[replies.Backfilled]:
        """Start the runs of a past time."""
        return self._about_schedule("BackfillSchedule", replies.Backfilled, schedule_id, **more)

    def delete(self, schedule_id: str, tenant_id: str | None) -> Call[replies.ScheduleChanged]:
        """Delete a schedule; one that is gone when the call is repeated is deleted."""
        call = self._about_schedule(
            "DeleteSchedule", replies.ScheduleChanged, schedule_id, tenant_id=tenant_id
        )
        gone = replies.ScheduleChanged(schedule_id=schedule_id, tenant_id=tenant_id or "")
        return replace(call, when_repeated=(ScheduleNotFoundError, gone))

    def _about_schedule(self, rpc: str, reply: type[R], schedule_id: str, **more: Any) -> Call[R]:
        action = re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower()
        payload = _given(schedule_id=schedule_id, **more)
        return _call(rpc, self._unit(payload, action), reply)

    def _about_run(
        self, rpc: str, action: str, workflow_id: str, run_id: str | None
    ) -> Call[replies.TaskStatus]:
        unit = self._unit(_given(workflow_id=workflow_id, run_id=run_id), action)
        return _call(rpc, unit, replies.TaskStatus, known={"workflow_id": workflow_id})

    def _unit(
        self,
        payload: Mapping[str, Any],
        action: str,
        parent: ContextUnit | None = None,
        provenance: str | None = None,
    ) -> ContextUnit:
        label = provenance or f"{self.service}:{action}".replace("::", ":")
        try:
            if parent is not None:
                return parent.child(payload, provenance=label)
            return ContextUnit(trace_id=follow_trace(), payload=dict(payload), provenance=[label])
        except ValidationError as error:
            raise InvalidRequestError(f"the request is no unit: {error}") from error


def as_text(time: datetime | None) -> str | None:
    """Write a time for the wire.

    Raises:
        ValueError: It has no time zone, so it could be any of 24 moments.
    """
    if time is None:
        return None
    if time.tzinfo is None:
        raise ValueError(f"{time.isoformat()} has no time zone; use datetime.now(UTC) and the like")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _call(
    rpc: str, unit: ContextUnit, reply: type[R], *, known: Mapping[str, Any] | None = None
) -> Call[R]:
    try:
        message = unit.to_protobuf()
    except UnitError as error:
        raise InvalidRequestError(
            f"the request cannot travel: {error}", violations=error.violations
        ) from error
    return Call(
        rpc, unit, message, lambda payload: reply.model_validate({**(known or {}), **payload})
    )
