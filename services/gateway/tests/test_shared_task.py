"""What several callers wait for."""

import asyncio
import gc
from typing import Any

from contextworker.gateway.deadline import remaining_s, within
from contextworker.gateway.shared_task import shared_task


async def test_a_failure_that_nobody_waits_for_is_no_noise() -> None:
    """All callers may have been out of time; the next one will hear of it anew."""
    gc.collect()  # what tests before this one have left may make a noise of its own
    noise: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))

    async def fail() -> None:
        raise ConnectionError

    try:
        task = shared_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()
        await asyncio.sleep(0)
    finally:
        asyncio.get_running_loop().set_exception_handler(None)

    assert [] == noise


async def test_it_is_held_to_no_callers_deadline() -> None:
    """The first caller may be in a hurry that the others are not."""

    async def look() -> float | None:
        return remaining_s()

    with within(0.1):
        task = shared_task(look())

    assert await task is None
