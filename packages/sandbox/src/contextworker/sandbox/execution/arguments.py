"""What code calls the platform's own functions with, checked before anything is done."""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import JsonValue

from contextworker.sandbox.messages import Answer, ToolCall, ToolError

MOST_IDS: Final = 1000

_Arguments = TypeVar("_Arguments")


class RefusedError(Exception):
    """A call that raises an exception in the code."""

    def __init__(self, kind: type[Exception] | str, message: str) -> None:
        super().__init__(message)
        name = kind if isinstance(kind, str) else kind.__name__
        self.answer = Answer(error=ToolError(type=name, message=message))


@dataclass(frozen=True)
class Start:
    """start_workflow(type, **payload)."""

    workflow_type: str
    payload: dict[str, JsonValue]


@dataclass(frozen=True)
class Wait:
    """wait_for(id, timeout=None): one id, or a list of them."""

    ids: tuple[str, ...]
    several: bool
    timeout_s: float | None


def start_of(call: ToolCall) -> Start:
    """Read the arguments of start_workflow."""

    def start_workflow(type: Any, /, **payload: Any) -> Start:  # noqa: A002 - as code sees it
        kind = _text(type, "start_workflow", "type", "such as 'harvest'")
        if "workflow_type" in payload:
            raise RefusedError(
                TypeError,
                "start_workflow(): the type is the first argument; leave workflow_type out",
            )
        return Start(kind, payload)

    return _bound(start_workflow, call)


def task_of(call: ToolCall) -> str:
    """Read the arguments of task_status."""

    def task_status(id: Any) -> str:  # noqa: A002 - as code sees it
        return _text(id, "task_status", "id", "as start_workflow() returned it")

    return _bound(task_status, call)


def wait_of(call: ToolCall) -> Wait:
    """Read the arguments of wait_for."""

    def wait_for(id: Any, timeout: Any = None) -> Wait:  # noqa: A002 - as code sees it
        several = isinstance(id, list)
        if several and len(id) > MOST_IDS:
            raise RefusedError(
                ValueError,
                f"wait_for(): {len(id):,} ids are too many; give {MOST_IDS:,} at most",
            )
        ids = tuple(
            _text(one, "wait_for", "id", "as start_workflow() returned it, or a list of such")
            for one in (id if several else [id])
        )
        limit = None if timeout is None else _seconds(timeout, "wait_for", "timeout")
        return Wait(ids, several, limit)

    return _bound(wait_for, call)


def pause_of(call: ToolCall) -> float:
    """Read the arguments of sleep: seconds."""

    def sleep(seconds: Any, result: Any = None) -> float:
        if result is not None:
            raise RefusedError(TypeError, "sleep() returns nothing: leave the result out")
        return _seconds(seconds, "sleep", "seconds")

    return _bound(sleep, call)


def _bound(function: Callable[..., _Arguments], call: ToolCall) -> _Arguments:
    try:
        bound = inspect.signature(function).bind(*call.args, **call.kwargs)
    except TypeError as error:
        raise RefusedError(TypeError, f"{call.tool}(): {error}") from None
    return function(*bound.args, **bound.kwargs)


def _text(value: Any, tool: str, name: str, what: str) -> str:
    if not isinstance(value, str):
        raise RefusedError(
            TypeError, f"{tool}(): {name} must be a string, {what}, and is {_kind(value)}"
        )
    if not value:
        raise RefusedError(ValueError, f"{tool}(): {name} is empty; give it {what}")
    return value


def _seconds(value: Any, tool: str, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(
            TypeError, f"{tool}(): {name} must be a number of seconds, and is {_kind(value)}"
        )
    if not math.isfinite(value) or value < 0:
        raise RefusedError(ValueError, f"{tool}(): {name} is {value}; give it 0 or more seconds")
    return value


def _kind(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
