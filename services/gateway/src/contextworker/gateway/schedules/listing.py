"""Lists schedules: what was registered, how it stands, what it started and will start."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.api.schedule.v1 import ScheduleActionResult
from temporalio.api.workflowservice.v1 import ListSchedulesRequest
from temporalio.service import RPCError, RPCStatusCode

from contextcore import ContextUnit
from contextworker.core.errors import UnreadableError
from contextworker.core.messages import Message
from contextworker.core.tenancy import TENANT_ATTRIBUTE
from contextworker.gateway.errors import RouteConflictError
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.routes import RouteTable
from contextworker.gateway.schedules.definition import Overlap
from contextworker.gateway.schedules.open_runs import OpenRun, read_open_runs
from contextworker.gateway.schedules.reading import FoundSchedule, ScheduleReader
from contextworker.gateway.temporal import UNREADABLE, Temporal
from contextworker.gateway.times import iso
from contextworker.gateway.visibility.page_tokens import broken_token, read_token, write_token
from contextworker.gateway.visibility.queries import one_of
from contextworker.gateway.visibility.run_attributes import RunAttributes

_log = logging.getLogger(__name__)
_AT_ONCE = 10
_SHOWN = 10


class RecentRun(Message):
    """A run that a schedule started; GetTaskStatus tells how it stands."""

    workflow_id: str
    run_id: str
    scheduled_at: str | None
    started_at: str | None


class Counts(Message):
    """What became of a schedule's times since it was made."""

    started: int
    missed: int
    """Too late to catch up on."""

    skipped: int
    """Because an earlier run was open."""

    dropped: int
    """Because too many waited."""


class ListedSchedule(Message):
    """One schedule; what does not apply is None, and left out of the reply. Without the payload."""

    schedule_id: str
    tenant_id: str
    workflow_type: str
    cron: str
    timezone: str
    overlap: Overlap
    catchup_window_s: int
    paused: bool
    note: str | None
    created_at: str | None
    updated_at: str | None
    next_run_at: str | None
    next_runs: tuple[str, ...]
    recent_runs: tuple[RecentRun, ...]
    running: tuple[OpenRun, ...]
    counts: Counts
    reason: str | None


@dataclass(frozen=True)
class ScheduleLister:
    """Reads schedules page by page."""

    temporal: Temporal
    attributes: RunAttributes
    routes: RouteCache
    reader: ScheduleReader

    async def page(self, tenant_id: str | None, size: int, token: str) -> dict[str, Any]:
        """Return some of the schedules the caller may see, and a token for more.

        Which schedules there are, Temporal knows a moment late; how each of them stands, at once.

        Args:
            tenant_id: Whose; None for every tenant of the caller's.
            size: How many at most; a page may hold fewer, also where more follow.
            token: What the page before ended with.

        Raises:
            InvalidRequestError: The token is none.
            TemporalUnavailableError: Temporal does not answer.
        """
        names, next_token = await self._names(tenant_id, size, token)
        places = asyncio.Semaphore(_AT_ONCE)

        async def read(name: str) -> FoundSchedule | None:
            async with places:
                try:
                    return await self.reader.read(name)
                except UnreadableError as error:
                    _log.warning("the schedule %s is left out: %s", name, error)
                    return None

        found = await asyncio.gather(*(read(name) for name in names))
        shown = [one for one in found if one is not None and _visible(one)]
        table = await self.routes.table()
        running = await read_open_runs(self.temporal, [one.temporal_id for one in shown])
        page: dict[str, Any] = {
            "schedules": [
                await self._entry(one, table, running.get(one.temporal_id, ())) for one in shown
            ]
        }
        return page | ({"next_page_token": next_token} if next_token else {})

    async def _names(self, tenant_id: str | None, size: int, token: str) -> tuple[list[str], str]:
        tenants = current_caller().tenants if tenant_id is None else {tenant_id}
        if tenants is not None and not tenants:
            return [], ""
        query = _query(tenants)
        request = ListSchedulesRequest(
            namespace=self.temporal.namespace,
            query=query,
            maximum_page_size=size,
            next_page_token=read_token(token, query),
        )
        try:
            answer = await self.attributes.call(self.temporal.service.list_schedules, request)
        except RPCError as error:
            if token and error.status is RPCStatusCode.INVALID_ARGUMENT:
                raise broken_token() from error
            raise
        following = answer.next_page_token
        names = [entry.schedule_id for entry in answer.schedules]
        return names, write_token(following, query) if following else ""

    async def _entry(
        self, found: FoundSchedule, table: RouteTable, running: Sequence[OpenRun]
    ) -> dict[str, Any]:
        record, info, start = found.record, found.info, found.start
        paused = found.schedule.state.paused
        times = [] if paused else [str(iso(time)) for time in info.future_action_times]
        listed = ListedSchedule(
            schedule_id=record.schedule_id if record else found.temporal_id.partition("-")[2],
            tenant_id=found.tenant_id or "",
            workflow_type=start.workflow_type.name,
            cron=record.cron if record else "",
            timezone=found.schedule.spec.timezone_name or "UTC",
            overlap=Overlap.of(found.schedule.policies.overlap_policy),
            catchup_window_s=found.schedule.policies.catchup_window.seconds,
            paused=paused,
            note=found.schedule.state.notes or None,
            created_at=iso(info.create_time),
            updated_at=iso(info.update_time),
            next_run_at=times[0] if times else None,
            next_runs=tuple(times[:_SHOWN]),
            recent_runs=tuple(_recent(run) for run in reversed(info.recent_actions))[:_SHOWN],
            running=tuple(running[:_SHOWN]),
            counts=Counts(
                started=info.action_count,
                missed=info.missed_catchup_window,
                skipped=info.overlap_skipped,
                dropped=info.buffer_dropped,
            ),
            reason=_reason(found, table),
        )
        content = listed.model_dump(mode="json", exclude_none=True)
        return content | {"payload": await self._payload(found)}

    async def _payload(self, found: FoundSchedule) -> dict[str, Any]:
        converter = self.temporal.converter(found.start.workflow_id)
        try:
            values = await converter.decode(found.start.input.payloads[:1])
        except UNREADABLE:
            return {}
        kept = values[0] if values else None
        return kept.payload if isinstance(kept, ContextUnit) else {}


def _query(tenants: Collection[str] | None) -> str:
    if tenants is None:
        return f"{TENANT_ATTRIBUTE.name} IS NOT NULL"
    return one_of(TENANT_ATTRIBUTE.name, tenants)


def _visible(found: FoundSchedule) -> bool:
    """Tell whether the caller may see a schedule: its tenant may differ from what was listed."""
    caller = current_caller()
    return (
        found.tenant_id is not None
        and caller.sees(found.tenant_id)
        and not caller.lacks(found.scopes.read)
    )


def _recent(action: ScheduleActionResult) -> RecentRun:
    run = action.start_workflow_result
    return RecentRun(
        workflow_id=run.workflow_id,
        run_id=run.run_id,
        scheduled_at=iso(action.schedule_time),
        started_at=iso(action.actual_time),
    )


def _reason(found: FoundSchedule, table: RouteTable) -> str | None:
    """Say what keeps a schedule from doing its work, where something does."""
    workflow_type, queue = found.start.workflow_type.name, found.start.task_queue.name
    try:
        route = table.find(workflow_type)
    except RouteConflictError as error:
        return str(error)
    if route is None:
        return (
            f"no module announces {workflow_type!r} now; runs of this schedule wait on {queue} "
            "until a worker there knows it"
        )
    if route.task_queue != queue:
        return (
            f"{workflow_type!r} is served on {route.task_queue} now, and runs of this schedule go "
            f"to {queue}; register it again"
        )
    if found.record is None:
        return "this schedule was changed by other means; register it again"
    if not found.info.future_action_times:
        return f"no time to come is of the cron {found.record.cron!r}"
    return None
