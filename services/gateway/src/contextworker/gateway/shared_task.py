"""Work that several callers wait for at once, each with a deadline of its own."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from contextworker.core import shared_task as core
from contextworker.gateway.deadline import within

Result = TypeVar("Result")


def shared_task(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Begin it; wait for it behind `asyncio.shield`.

    One caller's deadline does not cut it for the others.
    """
    with within(None):
        return core.shared_task(work)
