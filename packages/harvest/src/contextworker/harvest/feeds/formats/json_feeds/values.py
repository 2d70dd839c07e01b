"""JSON values, read exactly: fractions are Decimals, and what no store could hold is refused."""

import json
from decimal import Decimal
from typing import Any, NoReturn

_DEEPEST = 50


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)


def read(text: str) -> Any:
    """Read a text that is one JSON value.

    Raises:
        ValueError, ArithmeticError, RecursionError: It is none; `unreadable` says why.
    """
    if text[:1] == "{":  # without looking for space before it, which takes as long as a column
        value, end = DECODER.raw_decode(text)
        if end == len(text) or text[end:].isspace():
            return value
    return DECODER.decode(text)


def unreadable(error: Exception) -> str:
    """Say why a text is no JSON."""
    if isinstance(error, ArithmeticError):
        return "a number in it is out of all range"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def problem(values: Any, text: str) -> str | None:
    """Say why a value that was read from a text is no row; None if it is one."""
    if not isinstance(values, dict):
        return f"holds a {_kind(values)} where an object {{…}} is expected"
    if text.count("{") + text.count("[") > _DEEPEST and _is_too_deep(values):
        return f"is nested more than {_DEEPEST} levels deep"
    if "\\u" in text:
        try:
            json.dumps(values, default=str, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return "holds half of a character: a \\ud… escape without its other half"
    return None


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", str: "text", list: "list"}
    return names.get(type(value), "number")


def _is_too_deep(values: dict[str, Any]) -> bool:
    level: list[Any] = [values]
    for _ in range(_DEEPEST):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
