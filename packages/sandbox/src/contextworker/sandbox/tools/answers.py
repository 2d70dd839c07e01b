"""What a call comes to in the code: a value that is not too large, or an exception."""

from pydantic import JsonValue
from pydantic_core import to_json

from contextworker.sandbox.messages import Answer, ToolError


def raised(kind: type[Exception], message: str) -> Answer:
    """Raise an exception in the code; its class must be one that the interpreter knows."""
    return Answer(error=ToolError(type=kind.__name__, message=message))


def size_of(value: JsonValue) -> int:
    """Return how many bytes a value takes as JSON."""
    return len(to_json(value))


def fitting(value: JsonValue, what: str, most_bytes: int) -> Answer:
    """Return a value to the code, or raise ValueError in it where the value is too large."""
    if (size := size_of(value)) > most_bytes:
        return raised(
            ValueError,
            f"the answer of {what} takes {size:,} bytes, and may take {most_bytes:,}: ask for less",
        )
    return Answer(value=value)
