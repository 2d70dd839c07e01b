"""What code calls the platform's functions with: right, or a sentence about it."""

from collections.abc import Callable
from typing import Any

import pytest

from contextworker.sandbox.execution.arguments import (
    RefusedError,
    Start,
    Wait,
    pause_of,
    start_of,
    task_of,
    wait_of,
)
from contextworker.sandbox.messages import ToolCall

READERS: dict[str, Callable[[ToolCall], Any]] = {
    "start_workflow": start_of,
    "task_status": task_of,
    "wait_for": wait_of,
    "sleep": pause_of,
}


def read(tool: str, *args: Any, **kwargs: Any) -> Any:
    """Read a call's arguments."""
    return READERS[tool](ToolCall(tool=tool, args=args, kwargs=kwargs))


def test_right_arguments_are_read() -> None:
    """By place, or by name where the function has one."""
    assert Start("harvest", {"type": "x", "name": "y"}) == read(
        "start_workflow", "harvest", type="x", name="y"
    )
    assert "a" == read("task_status", id="a")
    assert Wait(("a",), several=False, timeout_s=None) == read("wait_for", "a")
    assert Wait(("a", "b"), several=True, timeout_s=0) == read("wait_for", ["a", "b"], timeout=0)
    assert 0.5 == read("sleep", 0.5)


WRONG: list[tuple[str, list[Any], dict[str, Any], str, str]] = [
    ("start_workflow", [], {}, "TypeError", "missing a required argument: 'type'"),
    ("start_workflow", ["a", "b"], {}, "TypeError", "too many positional arguments"),
    ("start_workflow", [5], {}, "TypeError", "must be a string, such as 'harvest', and is of type"),
    ("start_workflow", ["a"], {"workflow_type": "b"}, "TypeError", "leave workflow_type out"),
    ("task_status", [], {}, "TypeError", "missing a required argument: 'id'"),
    ("task_status", ["a"], {"run": "b"}, "TypeError", "unexpected keyword argument 'run'"),
    ("task_status", [""], {}, "ValueError", "id is empty"),
    ("wait_for", [None], {}, "TypeError", "and is None"),
    ("wait_for", [["a", 5]], {}, "TypeError", "and is of type int"),
    ("wait_for", [["a"] * 1001], {}, "ValueError", "1,001 ids are too many"),
    ("wait_for", ["a"], {"timeout": "5"}, "TypeError", "timeout must be a number of seconds"),
    ("wait_for", ["a"], {"timeout": True}, "TypeError", "and is of type bool"),
    ("wait_for", ["a"], {"timeout": -1}, "ValueError", "timeout is -1; give it 0 or more"),
    ("sleep", ["5"], {}, "TypeError", "seconds must be a number of seconds"),
    ("sleep", [float("inf")], {}, "ValueError", "seconds is inf; give it 0 or more"),
    ("sleep", [1, "x"], {}, "TypeError", "leave the result out"),
]


@pytest.mark.parametrize(
    ("tool", "args", "kwargs", "kind", "message"),
    WRONG,
    ids=[f"{at}-{case[0]}" for at, case in enumerate(WRONG)],
)
def test_wrong_arguments_are_told(
    tool: str, args: list[Any], kwargs: dict[str, Any], kind: str, message: str
) -> None:
    """With the exception that Python would raise, and the function's name."""
    with pytest.raises(RefusedError) as caught:
        read(tool, *args, **kwargs)

    error = caught.value.answer.error
    assert error is not None
    assert kind == error.type
    assert error.message.startswith(f"{tool}()")
    assert message in error.message
