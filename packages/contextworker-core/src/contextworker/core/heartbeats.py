"""Heartbeats of long activities: the latest news, repeated while one step takes long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity

_BEATS_PER_TIMEOUT = 4
_DEFAULT_INTERVAL_S = 5.0


class Heart:
    """Tells Temporal how far the activity is, and from where another attempt may resume."""

    def __init__(self, *details: Any) -> None:
        self._details = details

    def beat(self, *details: Any) -> None:
        """Tell, and remember for the repetitions.

        Args:
            details: First a `Progress`, which gateways show; then what another attempt needs to
                resume here.
        """
        self._details = details
        self.repeat()

    def repeat(self) -> None:
        """Tell the same again."""
        activity.heartbeat(*self._details)


@asynccontextmanager
async def beating(*details: Any) -> AsyncIterator[Heart]:
    """Heartbeat while the block runs, so that a slow disk or server is not taken for a crash.

    A dead worker still stops beating at once, and the activity's own time limit ends a stuck one.
    The block must not hold the event loop up: compute in a thread.
    """
    timeout = activity.info().heartbeat_timeout
    interval_s = timeout.total_seconds() / _BEATS_PER_TIMEOUT if timeout else _DEFAULT_INTERVAL_S
    heart = Heart(*details)
    repeating = asyncio.create_task(_repeat(heart, interval_s))
    try:
        yield heart
    finally:
        repeating.cancel()


async def _repeat(heart: Heart, interval_s: float) -> None:
    while True:
        heart.repeat()
        await asyncio.sleep(interval_s)
