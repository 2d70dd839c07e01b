"""Heartbeats of long activities: the latest progress, told also while one step takes long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity

from contextworker.core.messages import Progress

_BEATS_PER_TIMEOUT = 4
_DEFAULT_INTERVAL_S = 5.0


class Heart:
    """Tells Temporal how far the activity is, and from where another attempt may resume."""

    def __init__(self, *details: Any) -> None:
        self._details = details

    def beat(self, progress: Progress, *cursor: Any) -> None:
        """Tell and remember; a cursor makes the next attempt resume there."""
        self._details = (progress, *cursor)
        activity.heartbeat(*self._details)

    async def _repeat(self, interval_s: float) -> None:
        while True:
            activity.heartbeat(*self._details)
            await asyncio.sleep(interval_s)


@asynccontextmanager
async def beating(progress: Progress, *cursor: Any) -> AsyncIterator[Heart]:
    """Heartbeat while the block runs, so that a slow disk or server is not taken for a crash.

    A dead worker still stops beating at once, and the activity's own time limit ends a stuck one.
    """
    timeout = activity.info().heartbeat_timeout
    interval_s = timeout.total_seconds() / _BEATS_PER_TIMEOUT if timeout else _DEFAULT_INTERVAL_S
    heart = Heart(progress, *cursor)
    task = asyncio.create_task(heart._repeat(interval_s))  # noqa: SLF001 - the same file's class
    try:
        yield heart
    finally:
        task.cancel()
