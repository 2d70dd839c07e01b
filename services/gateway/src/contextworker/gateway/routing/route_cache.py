"""Keeps the routes at hand, read again in the background and when an unknown type is asked for."""

import asyncio
import logging
import time
from collections.abc import Sequence

from contextworker.core.metrics.gateway import (
    ROUTE_READS,
    ROUTES,
    ROUTES_READ_AT,
    Read,
    ReadOutcome,
)
from contextworker.core.metrics.instruments import NoLabels
from contextworker.gateway.errors import (
    TemporalBusyError,
    TemporalUnavailableError,
    UnknownWorkflowTypeError,
)
from contextworker.gateway.routing.routes import AnnouncedModule, RouteInfo, RouteTable
from contextworker.gateway.routing.sources import RouteSource
from contextworker.gateway.shared_task import shared_task

_log = logging.getLogger(__name__)
# Temporal lists a deployment's new version a moment after it was made (0.1 s as measured), so one
# look may come too early for a worker that has just started; and it limits how often a deployment
# is read, so one look may meet other gateways'.
_LOOKS = 2


class RouteCache:
    """The routes as last read; they outlive an outage of their source.

    Reads never overlap, and begin at least `min_interval_s` apart, however many callers ask for
    unknown types: those wait for the next read and share it.
    """

    def __init__(self, source: RouteSource, *, interval_s: float, min_interval_s: float) -> None:
        self._source = source
        self._interval_s = interval_s
        self._min_interval_s = min_interval_s
        self._table: RouteTable | None = None
        self._last_began_at = float("-inf")
        self._next: asyncio.Task[RouteTable] | None = None
        self._reading = asyncio.Lock()

    async def find(self, workflow_type: str) -> RouteInfo:
        """Return a type's route, reading the routes again before calling it unknown.

        Raises:
            UnknownWorkflowTypeError: No module has it now.
            RouteConflictError: Several modules claim it.
            TemporalUnavailableError: It is not cached, and the routes cannot be read.
            TemporalBusyError: The same, for now.
        """
        route = self._table.find(workflow_type) if self._table else None
        if route is not None:
            return route
        for look in range(1, _LOOKS + 1):
            try:
                table = await self.refresh()
            except TemporalBusyError:
                if look == _LOOKS:
                    raise
                continue
            route = table.find(workflow_type)
            if route is not None:
                return route
        raise UnknownWorkflowTypeError(workflow_type, table.workflow_types)

    async def table(self) -> RouteTable:
        """Return all routes: just read, or as cached while they cannot be read.

        Raises:
            TemporalUnavailableError: They were never read, and cannot be.
        """
        if self._table is not None and self._since_last_s() < self._min_interval_s:
            return self._table
        try:
            return await self.refresh()
        except (TemporalUnavailableError, TemporalBusyError):
            if self._table is None:
                raise
            return self._table

    async def refresh(self) -> RouteTable:
        """Return the routes of a read that begins after this call.

        Raises:
            TemporalUnavailableError: The source does not answer.
        """
        if self._next is None:
            self._next = shared_task(self._read())
        return await asyncio.shield(self._next)

    async def run(self) -> None:
        """Read again at every interval, until cancelled."""
        complained = False
        while True:
            try:
                await self.refresh()
                complained = False
            except Exception as error:  # noqa: BLE001 - whatever it is, the next read may succeed
                if not complained:
                    _log.warning("routes cannot be read: %s", error)
                complained = True
            await asyncio.sleep(self._interval_s)

    def _since_last_s(self) -> float:
        return time.monotonic() - self._last_began_at

    async def _read(self) -> RouteTable:
        async with self._reading:
            try:
                await asyncio.sleep(max(0, self._min_interval_s - self._since_last_s()))
            finally:
                self._next = None  # who asks from here on wants a later read than this one
            self._last_began_at = time.monotonic()
            table = RouteTable(await self._read_source())
            if self._table is None or self._table.modules != table.modules:
                self._table = table  # else compiled schemas stay
                _log.info("routes: %s", ", ".join(table.workflow_types) or "none announced")
            ROUTES.set(len(self._table.workflow_types), NoLabels())
            return self._table

    async def _read_source(self) -> Sequence[AnnouncedModule]:
        try:
            modules = await self._source.read()
        except Exception:
            ROUTE_READS.add(1, Read(ReadOutcome.FAILED))
            raise
        ROUTE_READS.add(1, Read(ReadOutcome.READ))
        ROUTES_READ_AT.set(time.time(), NoLabels())
        return modules
