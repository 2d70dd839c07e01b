"""The module as callers and workers see it."""

import pytest
from pydantic import ValidationError

from contextworker.core.registry import WorkerRegistry
from contextworker.sandbox.messages import ExecuteRequest
from contextworker.sandbox.module import module


def test_the_module_is_announced() -> None:
    """An installed worker finds it, with one route and a task queue of its own."""
    [found] = WorkerRegistry.discover().select(["sandbox"])

    assert found is module
    assert "sandbox-tasks" == found.queue
    assert ["execute_code"] == [route.workflow_type for route in found.routes]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": ""},
        {"code": 5},
        {"colour": "red"},
        {"timeout": 0},
        {"language": "ruby"},
        {"inputs": {"a b": 1}},
    ],
    ids=["empty", "number", "unknown", "no-time", "language", "input-name"],
)
def test_a_wrong_request_is_refused(wrong: dict[str, object]) -> None:
    """The gateway checks by this model before anything runs."""
    with pytest.raises(ValidationError):
        ExecuteRequest.model_validate({"code": "1 + 1", **wrong})
