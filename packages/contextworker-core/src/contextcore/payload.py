"""The exact payload codec: a JSON tree to google.protobuf.Struct and back.

What goes in comes out, or is refused with the path to it. A Struct carries every number as a
double, so integers are refused beyond ±2^53 and a double without a fraction comes back as an `int`.

The rules are those of the Python code here. `_native`, compiled where that was possible, does the
usual in a tenth of the time; whatever is unusual it leaves to the Python code, which also says what
is wrong with it.
"""

import math
import reprlib
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any, cast

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from contextcore.errors import UnitError, Violation

_native: ModuleType | None = None
# A free-threaded Python before 3.15 would load one that was compiled for the others, and crash.
if "t" not in getattr(sys, "abiflags", ""):
    with suppress(ImportError):
        from contextcore import _native

MAX_INTEGER = 2**53
MAX_DEPTH = 32
"""Nested objects and arrays, the payload itself included. Protobuf parsers stop at 100 messages,
and an object inside an object takes three."""


def write_struct(struct: Struct, payload: Mapping[str, Any]) -> None:
    """Fill an empty Struct.

    Raises:
        UnitError: Something in the payload would not come out as it went in.
    """
    wire = _native.write(payload, MAX_DEPTH) if _native else None
    if wire is None:
        _write_object(struct, payload, "payload", 1)
    else:
        struct.MergeFromString(wire)


def read_struct(struct: Struct) -> dict[str, Any]:
    """Read a Struct back as a JSON tree.

    Raises:
        UnitError: It holds NaN, an infinity or a Value without a kind, or is nested too deep to
            travel on.
    """
    payload = _native.read(struct.SerializeToString(), MAX_DEPTH) if _native else None
    return _read_object(struct, "payload", 1) if payload is None else payload


def check_payload(payload: Mapping[str, Any]) -> None:
    """Check that a payload can travel.

    Raises:
        UnitError: Something in it would not come out as it went in.
    """
    if _native is None or _native.write(payload, MAX_DEPTH) is None:
        _write_object(Struct(), payload, "payload", 1)


def arrived_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload as a receiver would read it.

    Raises:
        UnitError: Something in it would not come out as it went in.
    """
    wire = _native.write(payload, MAX_DEPTH) if _native else None
    arrived = _native.read(wire, MAX_DEPTH) if _native and wire is not None else None
    if arrived is not None:
        return cast("dict[str, Any]", arrived)
    struct = Struct()
    _write_object(struct, payload, "payload", 1)
    return _read_object(struct, "payload", 1)


def _write_object(struct: Struct, items: Mapping[str, Any], path: str, depth: int) -> None:
    _check_depth(path, depth)
    fields = struct.fields
    for key, item in items.items():
        if not isinstance(key, str):
            reason = f"has the key {_shown(key)} of type {type(key).__name__}; use a string"
            raise _refused(path, reason)
        where = f"{path}.{key}"
        try:
            value = fields[key]
        except UnicodeEncodeError:
            raise _refused(path, f"has the key {key!r}, which is not valid Unicode") from None
        _write_value(value, item, where, depth)


def _write_array(array: ListValue, items: list[Any], path: str, depth: int) -> None:
    _check_depth(path, depth)
    add = array.values.add
    for index, item in enumerate(items):
        _write_value(add(), item, f"{path}[{index}]", depth)


def _write_value(value: Value, item: object, path: str, depth: int) -> None:
    match item:
        case None:
            value.null_value = 0  # type: ignore[assignment] # NULL_VALUE, the only one
        case bool():
            value.bool_value = item
        case str():
            try:
                value.string_value = item
            except UnicodeEncodeError:
                raise _refused(path, "is a string that is not valid Unicode") from None
        case int() | float():
            value.number_value = _checked_number(item, path)
        case dict():
            value.struct_value.SetInParent()
            _write_object(value.struct_value, item, path, depth + 1)
        case list():
            value.list_value.SetInParent()
            _write_array(value.list_value, item, path, depth + 1)
        case _:
            raise _refused(path, _why_not(item))


def _shown(key: object) -> str:
    try:
        return reprlib.repr(key)
    except ValueError:  # an integer of more digits than Python writes out
        return "..."


def _why_not(item: object) -> str:
    if isinstance(item, bytes | bytearray | memoryview):
        return "is bytes; send text, or base64 as a string"
    if isinstance(item, tuple):
        return "is a tuple, which would come back as a list; send a list"
    return f"is a {type(item).__name__}; send a JSON value"


def _read_object(struct: Struct, path: str, depth: int) -> dict[str, Any]:
    _check_depth(path, depth)
    return {key: _read_value(item, f"{path}.{key}", depth) for key, item in struct.fields.items()}


def _read_array(array: ListValue, path: str, depth: int) -> list[Any]:
    _check_depth(path, depth)
    return [_read_value(item, f"{path}[{index}]", depth) for index, item in enumerate(array.values)]


def _read_value(value: Value, path: str, depth: int) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return _read_number(value.number_value, path)
        case "bool_value":
            return value.bool_value
        case "null_value":
            return None
        case "struct_value":
            return _read_object(value.struct_value, path, depth + 1)
        case "list_value":
            return _read_array(value.list_value, path, depth + 1)
        case _:
            raise _refused(path, "has no value; send null")


def _checked_number(number: float, path: str) -> float:
    if isinstance(number, int):
        if abs(number) > MAX_INTEGER:
            raise _refused(path, "is an integer beyond ±2^53; send it as a string")
    elif not math.isfinite(number):
        raise _refused(path, f"is {number}, which is no number; send null or a string")
    return number


def _read_number(number: float, path: str) -> int | float:
    _checked_number(number, path)
    return int(number) if number.is_integer() and abs(number) <= MAX_INTEGER else number


def _check_depth(path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _refused(path, f"is nested more than {MAX_DEPTH} deep")


def _refused(path: str, reason: str) -> UnitError:
    return UnitError([Violation(path, reason)])
