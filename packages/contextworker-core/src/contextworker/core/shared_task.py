"""Work that several callers wait for at once."""

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

from contextworker.core.logs.context import set_log_fields

Result = TypeVar("Result")


def shared_task(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Begin it; wait for it behind `asyncio.shield`.

    Where all callers have given up, nobody hears of its failure, and asyncio must not take that for
    a mistake.
    """
    of_nobody = copy_context()  # nor are its records about the one whose call began it
    of_nobody.run(set_log_fields, {})
    task = asyncio.create_task(work, context=of_nobody)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
