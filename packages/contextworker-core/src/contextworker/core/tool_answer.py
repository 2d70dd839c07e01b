"""What a tool returns, as code gets it."""

from typing import Any

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from contextcore import UnitError
from contextcore.payload import check_payload


def dumped(name: str, value: Any) -> JsonValue:
    """Return a tool's answer as JSON values: models, dataclasses, dates and amounts dumped.

    Raises:
        ValueError: It does not fit a ContextUnit's payload.
    """
    try:
        answer: JsonValue = to_jsonable_python(value)
        check_payload({name: answer})
    except (ValueError, RecursionError) as error:
        problem = str(error).removeprefix("payload.") if isinstance(error, UnitError) else error
        raise ValueError(f"{name}() returned what cannot travel: {problem}") from error
    return answer
