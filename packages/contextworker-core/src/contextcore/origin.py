"""Where a new unit's id and time come from.

Ordinary code takes them from the system. A workflow must not: replayed, it has to name the same
ids again. Its worker puts Temporal's own deterministic source here while workflow code runs.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol


class Origin(Protocol):
    """A source of ids and of the time."""

    def new_id(self) -> str:
        """Return a fresh UUIDv4."""

    def now(self) -> datetime:
        """Return the time in UTC."""


class _System:
    def new_id(self) -> str:
        return str(uuid.uuid4())

    def now(self) -> datetime:
        return datetime.now(UTC)


_origin: ContextVar[Origin] = ContextVar("contextcore_origin", default=_System())  # noqa: B039 - stateless


def new_id() -> str:
    """Return a fresh UUIDv4 from the origin in force."""
    return _origin.get().new_id()


def now() -> datetime:
    """Return the time in UTC from the origin in force."""
    return _origin.get().now()


@contextmanager
def use_origin(origin: Origin) -> Iterator[None]:
    """Take ids and time from another origin inside the block."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        # A coroutine that is garbage-collected half-way, as an evicted workflow's is, ends in
        # whichever context collects it; its own context is gone, and the setting with it.
        with suppress(ValueError):
            _origin.reset(token)
