"""How long the call in hand may still take: its caller's deadline, known to all code under it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("contextworker_gateway_deadline", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Hold the block to a caller's remaining time; None where the caller set no deadline."""
    token = _ends_at.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining_s() -> float | None:
    """Return the seconds left, perhaps negative; None without a deadline."""
    ends_at = _ends_at.get()
    return None if ends_at is None else ends_at - time.monotonic()
