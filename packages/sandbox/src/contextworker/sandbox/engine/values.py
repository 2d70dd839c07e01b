"""Values that leave the sandbox: a result, and the arguments of a tool.

The interpreter passes a value on by reference: a list that holds one list a thousand times is small
there, and here, and would be large once written out. So every value is measured first.
"""

from collections.abc import Collection
from reprlib import Repr
from sys import maxsize
from typing import Any, cast

from pydantic import JsonValue
from pydantic_monty import MontyClassProxy, MontyClassTypeProxy, MontyStdTypeProxy

from contextcore import UnitError
from contextcore.payload import MAX_DEPTH, arrived_payload
from contextworker.sandbox.sizes import cut, written_bytes


class TooLargeError(Exception):
    """A value is larger, written out, than it may be."""


def measure(value: object, limit: int) -> int:
    """Return how many bytes a value takes, written out as JSON, more or less.

    Raises:
        TooLargeError: More than the limit.
    """
    left = limit
    waiting = [value]
    while waiting:
        item = waiting.pop()
        inside: Collection[object] = ()
        match item:
            case str():
                left -= written_bytes(item) + 2
            case bytes():
                left -= len(item)
            case int():
                left -= item.bit_length() // 4 + 1
            case dict():
                inside = [*item.keys(), *item.values()] if len(item) <= left else item
            case list() | tuple() | set() | frozenset():
                inside = item
            case MontyClassProxy() | MontyClassTypeProxy():
                inside = [item.attributes]
            case _:
                left -= 8
        left -= 1 + len(inside)
        if left < 0:
            raise TooLargeError
        waiting.extend(inside)
    return limit - left


def travelling(value: object) -> JsonValue:
    """Return a measured value as it is after it has travelled in a ContextUnit.

    Raises:
        UnitError: It cannot travel.
    """
    # As deep inside a payload as it ever gets: in the result of a reply that tells of a run.
    arrived = arrived_payload({"result": {"result": value}})
    return cast("JsonValue", arrived["result"]["result"])


def shown(value: object, limit: int) -> str:
    """Return a measured value's repr, of no more than so many bytes."""
    return cut(_Shown().repr(value), limit)


class _Shown(Repr):
    """Python's repr, of things that code made as well."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = MAX_DEPTH
        for kind in ("tuple", "list", "dict", "set", "frozenset", "string", "long", "other"):
            setattr(self, f"max{kind}", maxsize)

    def repr_int(self, value: int, _level: int) -> str:
        try:
            return repr(value)
        except ValueError:  # Python's own limit of digits
            return f"<an integer of {value.bit_length()} bits>"

    def repr_MontyClassProxy(self, value: MontyClassProxy, level: int) -> str:  # noqa: N802 - reprlib finds it by the type's name
        if level <= 0:
            return f"{value.name}(...)"
        inside = ", ".join(
            f"{name}={self.repr1(item, level - 1)}" for name, item in value.attributes.items()
        )
        return f"{value.name}({inside})"

    def repr_MontyClassTypeProxy(self, value: MontyClassTypeProxy, _level: int) -> str:  # noqa: N802 - as above
        return f"<class '{value.name}'>"

    def repr_MontyStdTypeProxy(self, value: MontyStdTypeProxy, _level: int) -> str:  # noqa: N802 - as above
        return f"<{value.kind} '{value.name}'>"


def arguments(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], limit: int
) -> tuple[tuple[JsonValue, ...], dict[str, JsonValue]]:
    """Return a call's arguments as a tool gets them.

    Raises:
        TooLargeError: They are larger together than so many bytes.
        TypeError: One cannot travel; says which.
    """
    measure([args, kwargs], limit)
    return (
        tuple(_argument(name, f"argument {at}", value) for at, value in enumerate(args, 1)),
        {key: _argument(name, f"argument {key}", value) for key, value in kwargs.items()},
    )


def _argument(tool: str, which: str, value: object) -> JsonValue:
    try:
        return travelling(value)
    except UnitError as error:
        first = error.violations[0]
        where = first.field.removeprefix("payload.result.result")
        raise TypeError(f"{tool}(): {which}{where} {first.description}") from None
