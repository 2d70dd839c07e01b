"""A client's `schedules`: runs that a cron starts."""

# ruff: noqa: ASYNC109 - the timeouts are deadlines of gRPC calls, and the same in both clients

from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from datetime import datetime
from typing import Any

from contextworker.core.client.async_transport import AsyncTransport
from contextworker.core.client.replies import (
    Backfilled,
    Registered,
    ScheduleChanged,
    ScheduleInfo,
    Triggered,
)
from contextworker.core.client.requests import Requests, as_text
from contextworker.core.client.schedule import Schedule
from contextworker.core.client.transport import Transport


class Schedules:
    """Makes, shows and changes schedules; a schedule's id is unique within its tenant."""

    def __init__(self, transport: Transport, requests: Requests) -> None:
        self._transport = transport
        self._requests = requests

    def register(
        self,
        schedules: Iterable[Schedule | Mapping[str, Any]],
        *,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> Registered:
        """Make schedules, or change those that exist; the same set again changes nothing.

        A large set may need more seconds than the client's: give them as `timeout`. What a lost
        attempt did counts as unchanged in the next.
        """
        return self._transport.call(self._requests.register(schedules, tenant_id), timeout)

    def list(
        self, *, tenant_id: str | None = None, page_size: int | None = None
    ) -> Generator[ScheduleInfo]:
        """Iterate over the schedules, asking for a page at a time."""
        token: str | None = None
        while True:
            page = self._transport.call(
                self._requests.schedules(token, tenant_id=tenant_id, page_size=page_size)
            )
            yield from page.schedules
            token = page.next_page_token
            if not token:
                return

    def pause(
        self, schedule_id: str, *, note: str | None = None, tenant_id: str | None = None
    ) -> ScheduleChanged:
        """Start nothing more until it is resumed."""
        return self._transport.call(
            self._requests.change_schedule(
                "PauseSchedule", schedule_id, note=note, tenant_id=tenant_id
            )
        )

    def resume(
        self, schedule_id: str, *, note: str | None = None, tenant_id: str | None = None
    ) -> ScheduleChanged:
        """Start runs again."""
        return self._transport.call(
            self._requests.change_schedule(
                "ResumeSchedule", schedule_id, note=note, tenant_id=tenant_id
            )
        )

    def trigger(
        self, schedule_id: str, *, overlap: str | None = None, tenant_id: str | None = None
    ) -> Triggered:
        """Start a run now, besides those of the cron."""
        return self._transport.call(
            self._requests.trigger(schedule_id, overlap=overlap, tenant_id=tenant_id)
        )

    def backfill(
        self,
        schedule_id: str,
        start_at: datetime,
        end_at: datetime,
        *,
        overlap: str | None = None,
        tenant_id: str | None = None,
    ) -> Backfilled:
        """Start the runs that the cron would have started in a span of the past."""
        return self._transport.call(
            self._requests.backfill(
                schedule_id,
                start_at=as_text(start_at),
                end_at=as_text(end_at),
                overlap=overlap,
                tenant_id=tenant_id,
            )
        )

    def delete(self, schedule_id: str, *, tenant_id: str | None = None) -> ScheduleChanged:
        """Delete a schedule; runs that it started go on."""
        return self._transport.call(self._requests.delete(schedule_id, tenant_id))


class AsyncSchedules:
    """Makes, shows and changes schedules; a schedule's id is unique within its tenant."""

    def __init__(self, transport: AsyncTransport, requests: Requests) -> None:
        self._transport = transport
        self._requests = requests

    async def register(
        self,
        schedules: Iterable[Schedule | Mapping[str, Any]],
        *,
        tenant_id: str | None = None,
        timeout: float | None = None,
    ) -> Registered:
        """Make schedules, or change those that exist; the same set again changes nothing.

        A large set may need more seconds than the client's: give them as `timeout`. What a lost
        attempt did counts as unchanged in the next.
        """
        return await self._transport.call(self._requests.register(schedules, tenant_id), timeout)

    async def list(
        self, *, tenant_id: str | None = None, page_size: int | None = None
    ) -> AsyncGenerator[ScheduleInfo]:
        """Iterate over the schedules, asking for a page at a time."""
        token: str | None = None
        while True:
            page = await self._transport.call(
                self._requests.schedules(token, tenant_id=tenant_id, page_size=page_size)
            )
            for schedule in page.schedules:
                yield schedule
            token = page.next_page_token
            if not token:
                return

    async def pause(
        self, schedule_id: str, *, note: str | None = None, tenant_id: str | None = None
    ) -> ScheduleChanged:
        """Start nothing more until it is resumed."""
        return await self._transport.call(
            self._requests.change_schedule(
                "PauseSchedule", schedule_id, note=note, tenant_id=tenant_id
            )
        )

    async def resume(
        self, schedule_id: str, *, note: str | None = None, tenant_id: str | None = None
    ) -> ScheduleChanged:
        """Start runs again."""
        return await self._transport.call(
            self._requests.change_schedule(
                "ResumeSchedule", schedule_id, note=note, tenant_id=tenant_id
            )
        )

    async def trigger(
        self, schedule_id: str, *, overlap: str | None = None, tenant_id: str | None = None
    ) -> Triggered:
        """Start a run now, besides those of the cron."""
        return await self._transport.call(
            self._requests.trigger(schedule_id, overlap=overlap, tenant_id=tenant_id)
        )

    async def backfill(
        self,
        schedule_id: str,
        start_at: datetime,
        end_at: datetime,
        *,
        overlap: str | None = None,
        tenant_id: str | None = None,
    ) -> Backfilled:
        """Start the runs that the cron would have started in a span of the past."""
        return await self._transport.call(
            self._requests.backfill(
                schedule_id,
                start_at=as_text(start_at),
                end_at=as_text(end_at),
                overlap=overlap,
                tenant_id=tenant_id,
            )
        )

    async def delete(self, schedule_id: str, *, tenant_id: str | None = None) -> ScheduleChanged:
        """Delete a schedule; runs that it started go on."""
        return await self._transport.call(self._requests.delete(schedule_id, tenant_id))
