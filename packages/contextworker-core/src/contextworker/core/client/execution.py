"""What running a program comes to."""

from typing import Any

from contextworker.core.client.outcome import result_of
from contextworker.core.client.replies import Reply, Step, TaskStatus


class CodeError(Reply):
    """Why a program did not come to its end."""

    type: str
    """Its exception's class, or LimitExceeded, InterpreterCrashed."""

    message: str = ""
    line: int | None = None
    """Where in the program, from 1."""

    limit: str | None = None
    """Which limit it went past."""


class Execution(Reply):
    """A program's run: how it stands, and once it is done what it came to."""

    workflow_id: str
    run_id: str = ""
    status: str = ""
    reason: str | None = None
    """Why it waits, such as that no worker is there."""

    result: Any = None
    """The value of its last expression."""

    result_is_repr: bool = False
    """Whether that value cannot travel, and `result` is its repr."""

    stdout: str = ""
    stderr: str = ""
    error: CodeError | None = None
    """Why it did not come to its end; None where it did."""

    calls_made: int = 0
    """How often it called a tool."""

    calls: tuple[Step, ...] = ()
    """The latest of those calls."""

    @property
    def done(self) -> bool:
        """Whether the run is over: the program came to its end, or its `error` says why not."""
        return self.status == "completed"

    @classmethod
    def of(cls, status: TaskStatus) -> "Execution":
        """Read the status of a closed run.

        Raises:
            TaskNotCompletedError: The run was cancelled, or failed outside the program.
            ResultUnavailableError: What the program came to does not fit a reply.
        """
        run = {"workflow_id": status.workflow_id, "run_id": status.run_id, "status": status.status}
        return cls.model_validate({**result_of(status), **run})

    def task_status(self) -> TaskStatus:
        """Return how the run stands, as far as it is known."""
        return TaskStatus(workflow_id=self.workflow_id, run_id=self.run_id, status=self.status)
