"""Tells how things stand, again and again, beside what a process does."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from contextworker.core.metrics.instruments import is_on

_log = logging.getLogger(__name__)

INTERVAL_S: Final = 60.0
_MOST_OF_THE_TIME: Final = 0.05


@asynccontextmanager
async def reporting(
    tell: Callable[[], Awaitable[None]], what: str, *, interval_s: float = INTERVAL_S
) -> AsyncIterator[None]:
    """Call `tell` at once and at every interval while the block runs, where metrics are on.

    A call that takes long is made less often: it has a twentieth of the time.

    Args:
        tell: Finds out, and sets gauges. What it raises is logged, and the next call may do better.
        what: In a few words, for the log.
        interval_s: From one call to the next.
    """
    if not is_on():
        yield
        return
    task = asyncio.create_task(_again_and_again(tell, what, interval_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _again_and_again(
    tell: Callable[[], Awaitable[None]], what: str, interval_s: float
) -> None:
    complained = False
    while True:
        began = time.monotonic()
        try:
            await tell()
            complained = False
        except Exception as error:  # noqa: BLE001 - whatever it is, the next one may succeed
            if not complained:
                _log.warning("metrics: %s cannot be told: %s", what, error)
            complained = True
        took = time.monotonic() - began
        await asyncio.sleep(max(interval_s, took / _MOST_OF_THE_TIME))
