"""Registers schedules: makes what is new, changes what differs, and leaves the rest alone."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from temporalio.api.schedule.v1 import ScheduleState
from temporalio.api.workflowservice.v1 import CreateScheduleRequest, UpdateScheduleRequest
from temporalio.service import RPCError, RPCStatusCode

from contextcore import ContextUnit
from contextworker.core.messages import Message
from contextworker.gateway.errors import TemporalBusyError
from contextworker.gateway.schedules.definition import Definition
from contextworker.gateway.schedules.ids import request_id
from contextworker.gateway.schedules.planning import PlannedSchedule, SchedulePlanner
from contextworker.gateway.schedules.reading import FoundSchedule, ScheduleReader, require
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.run_attributes import RunAttributes

_AT_ONCE = 10
# Each try fails only where somebody else changed the schedule in the moment between.
_TRIES = 5


class RegisterReply(Message):
    """What became of a set."""

    registered_count: int
    created: int
    updated: int
    unchanged: int


class _Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Registrar:
    """Brings Temporal's schedules in line with a set."""

    temporal: Temporal
    attributes: RunAttributes
    planner: SchedulePlanner
    reader: ScheduleReader

    async def register(
        self, unit: ContextUnit, tenant_id: str, definitions: Sequence[Definition]
    ) -> RegisterReply:
        """Register a tenant's schedules; those it does not name stay as they are.

        Nothing is written unless all of them can be. An outage may still end it half-way: the set
        sent again does the rest.

        Raises:
            InvalidRequestError: Something of the set is wrong.
            ScopeMissingError: A schedule was registered with scopes that the caller lacks.
            TemporalBusyError: Others change the same schedules all the time.
            TemporalUnavailableError: Temporal does not answer.
        """
        planned = await self.planner.plan(unit, tenant_id, definitions)
        places = asyncio.Semaphore(_AT_ONCE)

        async def read(one: PlannedSchedule) -> FoundSchedule | None:
            async with places:
                return await self.reader.read(one.temporal_id)

        async def settle(one: PlannedSchedule, existing: FoundSchedule | None) -> _Outcome:
            async with places:
                return await self._settle(unit, one, existing)

        found = await asyncio.gather(*map(read, planned))
        for existing in found:
            if existing is not None:
                require(existing)
        outcomes = Counter(await asyncio.gather(*map(settle, planned, found)))
        return RegisterReply(
            registered_count=outcomes.total(),
            created=outcomes[_Outcome.CREATED],
            updated=outcomes[_Outcome.UPDATED],
            unchanged=outcomes[_Outcome.UNCHANGED],
        )

    async def _settle(
        self, unit: ContextUnit, one: PlannedSchedule, existing: FoundSchedule | None
    ) -> _Outcome:
        for _ in range(_TRIES):
            if existing is None:
                if await self._created(unit, one):
                    return _Outcome.CREATED
                existing = await self.reader.read(one.temporal_id)
                continue
            if _digest(existing) == one.record.digest:
                return _Outcome.UNCHANGED
            require(existing)
            await self._update(unit, one, existing)
            # Temporal takes a change, and drops it where the schedule has changed since it was
            # read. Where it is registered otherwise now, this change came first, or just as well.
            before, existing = existing, await self.reader.read(one.temporal_id)
            if existing is not None and _digest(existing) != _digest(before):
                return _Outcome.UPDATED
        raise TemporalBusyError(
            f"others keep changing the schedule {one.record.schedule_id!r}; send the set again"
        )

    async def _created(self, unit: ContextUnit, one: PlannedSchedule) -> bool:
        one.schedule.state.CopyFrom(ScheduleState(paused=bool(one.record.paused)))
        request = CreateScheduleRequest(
            namespace=self.temporal.namespace,
            schedule_id=one.temporal_id,
            schedule=one.schedule,
            identity=self.temporal.identity,
            request_id=request_id(unit.unit_id, "create", one.temporal_id),
            search_attributes=one.run.search_attributes,
        )
        try:
            await self.attributes.call(self.temporal.service.create_schedule, request)
        except RPCError as error:
            if error.status is RPCStatusCode.ALREADY_EXISTS:
                return False
            raise
        return True

    async def _update(
        self, unit: ContextUnit, one: PlannedSchedule, existing: FoundSchedule
    ) -> None:
        state = ScheduleState()
        state.CopyFrom(existing.schedule.state)
        before = existing.record.paused if existing.record else None
        if one.record.paused is not None and one.record.paused != before:
            state.paused = one.record.paused
        one.schedule.state.CopyFrom(state)
        request = UpdateScheduleRequest(
            namespace=self.temporal.namespace,
            schedule_id=one.temporal_id,
            schedule=one.schedule,
            conflict_token=existing.conflict_token,
            identity=self.temporal.identity,
            request_id=request_id(
                unit.unit_id, "update", one.temporal_id, existing.conflict_token.hex()
            ),
            search_attributes=one.run.search_attributes,
        )
        try:
            await self.attributes.call(self.temporal.service.update_schedule, request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # deleted since it was read
                raise


def _digest(found: FoundSchedule) -> str | None:
    return found.record.digest if found.record else None
