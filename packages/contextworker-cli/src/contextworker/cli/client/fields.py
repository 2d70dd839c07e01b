"""The fields of a payload as they are written on a command line, by HTTPie's rule.

`key=value` is always a string, so `supplier_code=123` stays one; `key:=json` is JSON, so
`max_batches:=5`, `full:=true` and `tags:='["a"]'` are a number, a boolean and a list.
"""

import json
import re
import reprlib
from collections.abc import Sequence
from typing import Any

from contextworker.cli.errors import UsageError

_QUOTED = reprlib.Repr()
_QUOTED.maxstring = 80  # a line of a message; a field may be a file of its own
_FIELD = re.compile(r"(?P<key>[^\s:=]+)(?P<operator>:=|=)(?P<value>.*)", re.DOTALL)


def parse_fields(fields: Sequence[str]) -> dict[str, Any]:
    """Return the payload that the fields spell.

    Raises:
        UsageError: A field is none, holds no JSON after `:=`, or comes twice.
    """
    payload: dict[str, Any] = {}
    for field in fields:
        match = _FIELD.fullmatch(field)
        if match is None:
            raise UsageError(
                f"{_QUOTED.repr(field)} is no field: write key=value for a string, "
                "key:=json for a number, true, false, null, a list or an object."
            )
        key, value = match["key"], match["value"]
        if key in payload:
            raise UsageError(f"The field {key!r} is given twice.")
        payload[key] = value if match["operator"] == "=" else _json(key, value)
    return payload


def _json(key: str, value: str) -> Any:
    try:
        return json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # the latter of nesting a thousand deep
        raise UsageError(
            f"What follows {key}:= is no JSON ({error}): {_QUOTED.repr(value)}. "
            f"For a string write {key}= in place of {key}:=."
        ) from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")
