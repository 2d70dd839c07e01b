"""What a closed task comes to: its result, or the error of the way it ended."""

from collections.abc import Mapping
from typing import Any, Final

from contextworker.core.client.errors import (
    ClientError,
    ResultUnavailableError,
    TaskCancelledError,
    TaskFailedError,
    TaskNotCompletedError,
    TaskTerminatedError,
    TaskTimedOutError,
)
from contextworker.core.client.replies import TaskStatus

_ENDS: Final[dict[str, tuple[type[TaskNotCompletedError], str]]] = {
    "failed": (TaskFailedError, "failed"),
    "cancelled": (TaskCancelledError, "was cancelled"),
    "terminated": (TaskTerminatedError, "was terminated"),
    "timed_out": (TaskTimedOutError, "timed out"),
}


def result_of(status: TaskStatus) -> Any:
    """Return what a closed task's workflow returned.

    Raises:
        TaskNotCompletedError: The task has ended in another way.
        ResultUnavailableError: The result does not fit a reply.
    """
    if status.completed:
        if status.has_result:
            return status.result
        reason = status.reason or "the gateway says no more"
        raise ResultUnavailableError(f"the result of {status.workflow_id} is missing: {reason}")
    kind, words = _ENDS.get(status.status, (TaskNotCompletedError, f"ended: {status.status}"))
    why = status.error.sentence() if status.error else status.reason
    raise kind(
        f"the task {status.workflow_id} {words}" + (f": {why}" if why else ""), status=status
    )


def ended(message: str, run: Mapping[str, str]) -> ClientError:
    """Return the error for a run that the gateway waited for, and that left no result.

    Args:
        message: What the gateway said.
        run: Its workflow id, its run id and how it ended.
    """
    names = ("workflow_id", "run_id", "status")
    status = TaskStatus.model_validate({name: run.get(name, "") for name in names})
    if status.completed:
        return ResultUnavailableError(message)
    return _ENDS.get(status.status, (TaskNotCompletedError, ""))[0](message, status=status)
