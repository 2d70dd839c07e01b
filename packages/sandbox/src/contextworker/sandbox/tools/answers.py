"""What a call comes to in the code: a value that is not too large, or an exception."""

from pydantic import JsonValue

from contextworker.sandbox.messages import Answer, ToolError
from contextworker.sandbox.sizes import too_large


def raised(kind: type[Exception], message: str) -> Answer:
    """Raise an exception in the code; its class must be one that the interpreter knows."""
    return Answer(error=ToolError(type=kind.__name__, message=message))


def fitting(value: JsonValue, what: str, most_bytes: int) -> Answer:
    """Return a value to the code, or raise ValueError in it where the value is too large."""
    problem = too_large(what, value, most_bytes)
    return raised(ValueError, problem) if problem else Answer(value=value)
