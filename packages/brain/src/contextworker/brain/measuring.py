"""Tells how long calls of a Brain take, and how they end, where metrics are on."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import iscoroutinefunction, isfunction
from typing import Any, Final, cast

from contextworker.brain.protocol import Brain
from contextworker.core.errors import PermanentError, TransientError
from contextworker.core.metrics import is_on
from contextworker.core.metrics.stores import BRAIN_SECONDS, BrainCall, CallOutcome

_OPERATIONS: Final = frozenset(
    name
    for name, member in vars(Brain).items()
    if isfunction(member) and iscoroutinefunction(member)
)
_STREAM: Final = "known_products"


def measured(brain: Brain) -> Brain:
    """Return the Brain, with its calls measured; the very same where there are no metrics."""
    return cast("Brain", _Measured(brain)) if is_on() else brain


class _Measured:
    """Stands before a Brain. What is no operation of it passes as it is."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._brain, name)
        if name in _OPERATIONS:
            member = _timed(name, member)
        elif name == _STREAM:
            member = _timed_stream(member)
        else:
            return member
        setattr(self, name, member)
        return member


def _timed(name: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def timed(*args: Any, **kwargs: Any) -> Any:
        began_at = time.perf_counter()
        outcome = CallOutcome.ERROR
        try:
            answer = await call(*args, **kwargs)
            outcome = CallOutcome.OK
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            BRAIN_SECONDS.record(time.perf_counter() - began_at, BrainCall(name, outcome))
        return answer

    return timed


def _timed_stream(call: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    async def timed(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        began_at = time.perf_counter()
        outcome = CallOutcome.CANCELLED  # whoever reads no further
        try:
            async for item in call(*args, **kwargs):
                yield item
            outcome = CallOutcome.OK
        except Exception as error:
            outcome = _outcome(error)
            raise
        finally:
            BRAIN_SECONDS.record(time.perf_counter() - began_at, BrainCall(_STREAM, outcome))

    return timed


def _outcome(error: BaseException) -> CallOutcome:
    match error:
        case TransientError():
            return CallOutcome.AWAY
        case PermanentError():
            return CallOutcome.REFUSED
        case asyncio.CancelledError():
            return CallOutcome.CANCELLED
    return CallOutcome.ERROR
