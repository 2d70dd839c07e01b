"""Many calls side by side, with one error for all of them."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from contextworker.core.errors import PermanentError


async def concurrently(calls: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for calls; the first that fails ends the others.

    Raises:
        Exception: One of theirs, a permanent one before any other.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call)
    except ExceptionGroup as errors:
        found = sorted(errors.exceptions, key=lambda item: not isinstance(item, PermanentError))
        raise found[0] from None
