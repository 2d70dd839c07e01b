"""Who gets the next free interpreter: tenants take turns, and none holds them all."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from contextworker.core.metrics import is_on
from contextworker.core.metrics.instruments import NoLabels
from contextworker.core.metrics.sandbox import CROWDED, INTERPRETERS, WAITING, Interpreters, State

MOST_WAITING: Final = 50
"""Of one tenant: whoever waits holds one of the worker's slots, which others need for calls.

Where several tenants wait, each may with its part of them.
"""

_FEW: Final = 4
"""So many may wait in any case."""


class CrowdedError(Exception):
    """So many of the tenant's turns wait already that this one has to come again."""

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"{waiting} other programs of this tenant wait for an interpreter of this worker "
            "already; this one tries again soon"
        )


class Seats:
    """A number of places. Where there are two or more, one tenant leaves one for the others."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._free = count
        self._most = max(1, count - 1)
        self._held: Counter[str] = Counter()
        # In the order of their turns: whoever was served last stands last.
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        CROWDED.add(0, NoLabels())  # so that the first one is an increase
        self._tell()

    @asynccontextmanager
    async def taken(self, tenant_id: str) -> AsyncIterator[None]:
        """Wait for a place, and hold it.

        Raises:
            CrowdedError: Too many of the tenant's wait.
        """
        await self._take(tenant_id)
        try:
            yield
        finally:
            self._leave(tenant_id)

    async def _take(self, tenant_id: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(tenant_id, deque())
        waiting = sum(not other.done() for other in queue)
        if waiting >= max(_FEW, MOST_WAITING // len(self._waiting)):
            CROWDED.add(1, NoLabels())
            raise CrowdedError(waiting)
        queue.append(turn)
        self._serve()
        self._tell()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(tenant_id)
            self._tell()
            raise

    def _leave(self, tenant_id: str) -> None:
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]
        self._free += 1
        self._serve()
        self._tell()

    def _tell(self) -> None:
        if not is_on():
            return
        INTERPRETERS.set(self._free, Interpreters(State.FREE))
        INTERPRETERS.set(self._count - self._free, Interpreters(State.BUSY))
        waiting = sum(not turn.done() for turns in self._waiting.values() for turn in turns)
        WAITING.set(waiting, NoLabels())

    def _serve(self) -> None:
        for tenant_id in list(self._waiting):
            if not self._free:
                return
            self._serve_one(tenant_id)

    def _serve_one(self, tenant_id: str) -> None:
        queue = self._waiting[tenant_id]
        while queue and queue[0].done():  # given up
            queue.popleft()
        if queue and self._held[tenant_id] < self._most:
            self._free -= 1
            self._held[tenant_id] += 1
            queue.popleft().set_result(None)
            self._waiting.move_to_end(tenant_id)
        if not queue:
            del self._waiting[tenant_id]
