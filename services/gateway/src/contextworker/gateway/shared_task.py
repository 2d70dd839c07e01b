"""Work that several callers wait for at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from contextworker.gateway.deadline import within

Result = TypeVar("Result")


def shared_task(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Begin it; wait for it behind `asyncio.shield`.

    One caller's deadline does not cut it for the others. Where all of them have given up, nobody
    hears of its failure, and asyncio must not take that for a mistake.
    """
    with within(None):
        task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
