"""Starts the runs of a time that has passed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.schedule.v1 import BackfillRequest, SchedulePatch
from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.service import RPCError

from contextcore import Violation
from contextworker.core.messages import Message
from contextworker.gateway.errors import InvalidRequestError
from contextworker.gateway.schedules.definition import Overlap
from contextworker.gateway.schedules.patching import Patcher, Target
from contextworker.gateway.schedules.reading import ScheduleReader
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.times import iso

MAX_RUNS = 2_000
"""Of one backfill."""

_COUNTED = 5 * MAX_RUNS
# Temporal lists the times after one, and backfills those from one on.
_MOMENT = timedelta(milliseconds=1)
_FIRST = datetime.min.replace(tzinfo=UTC) + _MOMENT


class BackfillReply(Message):
    """How many times of the schedule the span takes in."""

    schedule_id: str
    tenant_id: str
    runs: int


@dataclass(frozen=True)
class Backfill:
    """Makes up for times that passed."""

    temporal: Temporal
    reader: ScheduleReader
    patcher: Patcher

    async def fill(
        self, target: Target, start_at: datetime, end_at: datetime, overlap: Overlap
    ) -> BackfillReply:
        """Start a run for each of the schedule's times in a span, both ends with it.

        A unit sent again starts nothing more. Another unit starts the runs of the span anew, but
        for those still open.

        Raises:
            InvalidRequestError: The span is none, reaches beyond now, or takes in too many times.
            ScheduleNotFoundError: The tenant has no such schedule.
            ScopeMissingError: The caller lacks a scope of the unit that registered it.
            TemporalUnavailableError: Temporal does not answer; send the same unit again.
        """
        if end_at < start_at:
            raise _wrong("end_at", "is before start_at")
        if end_at > datetime.now(UTC):
            raise _wrong("end_at", "is yet to come: a backfill is of the past")
        await self.reader.to_change(target.tenant_id, target.schedule_id)
        start, end = _timestamp(start_at), _timestamp(end_at)
        after = _timestamp(max(start_at, _FIRST) - _MOMENT)
        times = [time async for time in self._times(target, after, end)]
        if len(times) > MAX_RUNS:
            more = " or more" if len(times) >= _COUNTED else ""
            raise _wrong(
                "end_at",
                f"is too late: the span takes in {len(times):,}{more} runs, and one call starts "
                f"{MAX_RUNS:,}; end it at {iso(times[MAX_RUNS - 1])}, and go on from there",
            )
        if times:
            span = BackfillRequest(start_time=start, end_time=end, overlap_policy=overlap.policy)
            await self.patcher.send(target, "backfill", SchedulePatch(backfill_request=[span]))
        return BackfillReply(
            schedule_id=target.schedule_id, tenant_id=target.tenant_id, runs=len(times)
        )

    async def _times(
        self, target: Target, after: Timestamp, end: Timestamp
    ) -> AsyncIterator[Timestamp]:
        counted = 0
        while counted < _COUNTED:
            request = ListScheduleMatchingTimesRequest(
                namespace=self.temporal.namespace,
                schedule_id=target.temporal_id,
                start_time=after,
                end_time=end,
            )
            try:
                page = await self.temporal.call(
                    self.temporal.service.list_schedule_matching_times, request
                )
            except RPCError as error:
                raise target.ended_by(error) from error
            if not page.start_time:
                return
            for time in page.start_time:
                yield time
            counted += len(page.start_time)
            after = page.start_time[-1]


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def _wrong(field: str, description: str) -> InvalidRequestError:
    return InvalidRequestError([Violation(f"payload.{field}", description)])
