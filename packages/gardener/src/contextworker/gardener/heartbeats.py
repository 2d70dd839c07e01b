"""Keep an activity's heartbeat going while it waits or computes elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

_BEATS_PER_TIMEOUT = 3


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """Heartbeat while the block runs, so that a lost worker is noticed within the timeout.

    They carry no Progress: a batch takes a second, and the workflow's own answer counts the run.
    """
    timeout = activity.info().heartbeat_timeout
    beating = asyncio.create_task(_beat(timeout.total_seconds())) if timeout else None
    try:
        yield
    finally:
        if beating is not None:
            beating.cancel()
            await asyncio.wait([beating])


async def _beat(timeout_s: float) -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(timeout_s / _BEATS_PER_TIMEOUT)
