"""Makes a span of each call of a Brain, where its caller is traced: what, and of how many."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from inspect import iscoroutinefunction, isfunction
from typing import Any, Final, cast

from contextworker.brain.models import UpsertCounts
from contextworker.brain.protocol import Brain
from contextworker.core.tracing import span
from contextworker.core.tracing.tracer import find_tracer

_OPERATIONS: Final = frozenset(
    name
    for name, member in vars(Brain).items()
    if isfunction(member) and iscoroutinefunction(member)
)
_STREAM: Final = "known_products"


def traced(brain: Brain, system: str) -> Brain:
    """Return the Brain, with its calls traced; the very same where nothing is.

    Args:
        brain: The Brain.
        system: Where it keeps things: `postgresql`, `sqlite` or `commerce`.
    """
    return brain if find_tracer() is None else cast("Brain", _Traced(brain, system))


class _Traced:
    """Stands before a Brain. What is no operation of it passes as it is."""

    def __init__(self, brain: Brain, system: str) -> None:
        self._brain = brain
        self._system = system

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._brain, name)
        if name in _OPERATIONS:
            member = _spanned(name, self._system, member)
        elif name == _STREAM:
            member = _spanned_stream(self._system, member)
        else:
            return member
        setattr(self, name, member)
        return member


def _spanned(
    name: str, system: str, call: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    async def spanned(*args: Any, **kwargs: Any) -> Any:
        asked = _attributes(name, system, (*args, *kwargs.values()))
        with span(f"brain.{name}", asked, client=True) as current:
            answer = await call(*args, **kwargs)
            for key, count in _counts(answer).items():
                current.set_attribute(key, count)
            return answer

    return spanned


def _spanned_stream(
    system: str, call: Callable[..., AsyncIterator[Any]]
) -> Callable[..., AsyncIterator[Any]]:
    async def spanned(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        rows = 0
        # Not in hand meanwhile: whoever reads does other things between two frames.
        with span(
            f"brain.{_STREAM}", _attributes(_STREAM, system, ()), client=True, current=False
        ) as own:
            async for frame in call(*args, **kwargs):
                rows += frame.height
                own.set_attribute("db.response.returned_rows", rows)
                yield frame

    return spanned


def _attributes(name: str, system: str, given: Iterable[Any]) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {"db.system.name": system, "db.operation.name": name}
    for value in given:
        count = _size(value)
        if count is not None:
            attributes["contextworker.items"] = count
            break
    return attributes


def _counts(answer: Any) -> dict[str, int]:
    if isinstance(answer, UpsertCounts):
        return {f"contextworker.{name}": count for name, count in answer.model_dump().items()}
    if isinstance(answer, int) and not isinstance(answer, bool):
        return {"contextworker.changed": answer}
    count = _size(getattr(answer, "products", answer))
    return {} if count is None else {"db.response.returned_rows": count}


def _size(value: Any) -> int | None:
    """Return how many there are of something; None for what is no list of things."""
    if isinstance(value, list | tuple):
        return len(value)
    height = getattr(value, "height", None)
    return height if isinstance(height, int) else None
