"""Checks a set of schedules, every problem at once, and plans what Temporal has to keep of each."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Memo, WorkflowType
from temporalio.api.schedule.v1 import Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import NewWorkflowExecutionInfo

from contextcore import ContextUnit, Violation
from contextworker.core.scheduled import REGISTERED
from contextworker.core.workflow_ids import MAX_CHARACTERS, TENANT_FIELD
from contextworker.gateway.errors import InvalidRequestError, UnknownWorkflowTypeError
from contextworker.gateway.identity.caller import current_caller, use_caller
from contextworker.gateway.runs.plan import PlannedRun, Planner
from contextworker.gateway.schedules.cron import cron_strings
from contextworker.gateway.schedules.definition import Definition
from contextworker.gateway.schedules.ids import run_base, temporal_id
from contextworker.gateway.schedules.judging import TimesJudge
from contextworker.gateway.schedules.record import MEMO_KEY, ScheduleRecord
from contextworker.gateway.temporal import Temporal

_KIB = 1024
_MAX_PAYLOAD_BYTES = 32 * _KIB  # a page of schedules has to fit a reply
_TIME_CHARACTERS = len("-2026-01-01T00:00:00Z")
_TYPE_FIELD = "workflow_type"


@dataclass(frozen=True)
class PlannedSchedule:
    """What Temporal has to keep; all of it but the state, which may be somebody's since."""

    temporal_id: str
    record: ScheduleRecord
    run: PlannedRun
    schedule: Schedule


@dataclass(frozen=True)
class SchedulePlanner:
    """Plans a set of schedules."""

    temporal: Temporal
    planner: Planner
    judge: TimesJudge

    async def plan(
        self, unit: ContextUnit, tenant_id: str, definitions: Sequence[Definition]
    ) -> list[PlannedSchedule]:
        """Plan every schedule of a set, or none.

        Raises:
            InvalidRequestError: Something of the set is wrong.
            RouteConflictError: Several modules claim one of the types.
            BrokenRouteError: A module announced what cannot be used.
            TemporalUnavailableError: Temporal does not answer.
        """
        crons, zones, runs = await asyncio.gather(
            self.judge.crons({one.cron for one in definitions}),
            self.judge.zones({one.timezone for one in definitions}),
            asyncio.gather(*(self._run(unit, tenant_id, one) for one in definitions)),
        )
        problems = list(_repeated(definitions))
        planned: list[tuple[Definition, PlannedRun]] = []
        for index, (one, run) in enumerate(zip(definitions, runs, strict=True)):
            where = f"payload.schedules[{index}]"
            if one.cron in crons:
                problems.append(Violation(f"{where}.cron", crons[one.cron]))
            if one.timezone in zones:
                problems.append(Violation(f"{where}.timezone", zones[one.timezone]))
            if isinstance(run, PlannedRun):
                planned.append((one, run))
            else:
                problems += (Violation(f"{where}{it.field}", it.description) for it in run)
        if problems:
            raise InvalidRequestError(problems)
        return [await self._planned(unit, one, run) for one, run in planned]

    async def _run(
        self, unit: ContextUnit, tenant_id: str, one: Definition
    ) -> PlannedRun | list[Violation]:
        """Plan a schedule's run as StartWorkflow would; fields of problems are the schedule's."""
        problems = [
            Violation(f".payload.{field}", f"must be {own!r} as outside the payload, or left out")
            for field, own in ((_TYPE_FIELD, one.workflow_type), (TENANT_FIELD, tenant_id))
            if field in one.payload and one.payload[field] != own
        ]
        if problems:
            return problems
        start = unit.child({**one.payload, _TYPE_FIELD: one.workflow_type}, provenance=REGISTERED)
        size = start.to_protobuf().payload.ByteSize()
        if size > _MAX_PAYLOAD_BYTES:
            return [
                Violation(
                    ".payload",
                    f"takes {size / _KIB:.1f} KiB, and a schedule's holds "
                    f"{_MAX_PAYLOAD_BYTES // _KIB}; put bulk data into a store and send a "
                    "reference to it",
                )
            ]
        base = run_base(one.workflow_type, tenant_id, one.schedule_id)
        if len(base) + _TIME_CHARACTERS > MAX_CHARACTERS:
            too_long = f"is too long: a run's id would pass {MAX_CHARACTERS} characters"
            return [Violation(".workflow_type", too_long)]
        narrowed = replace(current_caller(), tenants=frozenset([tenant_id]))
        try:
            with use_caller(narrowed):
                return await self.planner.plan(start, inline=True)
        except InvalidRequestError as error:
            return [Violation(_within(it.field), it.description) for it in error.violations]
        except UnknownWorkflowTypeError as error:
            return [Violation(".workflow_type", str(error))]

    async def _planned(
        self, unit: ContextUnit, one: Definition, run: PlannedRun
    ) -> PlannedSchedule:
        record = ScheduleRecord.of(one, run, unit.security)
        base = run_base(run.workflow_type, run.tenant_id, one.schedule_id)
        [noted] = await self.temporal.converter(base, inline=True).encode([record])
        memo = Memo(fields={MEMO_KEY: noted})
        if run.memo is not None:
            memo.MergeFrom(run.memo)
        start = NewWorkflowExecutionInfo(
            workflow_id=base,
            workflow_type=WorkflowType(name=run.workflow_type),
            task_queue=TaskQueue(name=run.task_queue),
            input=run.input,
            memo=memo,
            search_attributes=run.search_attributes,
            user_metadata=run.user_metadata,
            priority=run.priority,
        )
        schedule = Schedule(
            spec=ScheduleSpec(cron_string=cron_strings(one.cron), timezone_name=one.timezone),
            action=ScheduleAction(start_workflow=start),
            policies=SchedulePolicies(
                overlap_policy=one.overlap.policy,
                catchup_window=Duration(seconds=one.catchup_window_s),
            ),
        )
        return PlannedSchedule(temporal_id(run.tenant_id, one.schedule_id), record, run, schedule)


def _repeated(definitions: Iterable[Definition]) -> Iterable[Violation]:
    first: dict[str, int] = {}
    for index, one in enumerate(definitions):
        if first.setdefault(one.schedule_id, index) != index:
            yield Violation(
                f"payload.schedules[{index}].schedule_id",
                f"is that of schedules[{first[one.schedule_id]}], too",
            )


def _within(field: str) -> str:
    """Say where a field of the run's payload is in a schedule: `.payload.sku`, `.workflow_type`."""
    return f".{_TYPE_FIELD}" if field == f"payload.{_TYPE_FIELD}" else f".{field}"
