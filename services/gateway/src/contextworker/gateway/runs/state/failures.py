"""Says why a run or an activity failed: first what a person needs, then what caused it."""

from collections.abc import Iterator, Sequence

from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    NexusOperationError,
    TerminatedError,
    TimeoutError,  # noqa: A004 - Temporal's, which is what failures hold
    TimeoutType,
)

from contextworker.core.errors import UnreadableError
from contextworker.core.messages import Message
from contextworker.gateway.temporal import UNREADABLE

_MAX_CHARACTERS = 4000
_TIMEOUTS = {
    TimeoutType.START_TO_CLOSE: "took longer than one attempt may",
    TimeoutType.SCHEDULE_TO_START: "was not picked up by a worker in time",
    TimeoutType.SCHEDULE_TO_CLOSE: "did not finish in time, retries included",
    TimeoutType.HEARTBEAT: "gave no sign of life in time; its worker may have died",
}


class Cause(Message):
    """One link of a failure: the exception's class, and its message."""

    type: str
    message: str


class TaskError(Message):
    """Why a run failed, or fails at the moment."""

    type: str
    message: str
    will_retry: bool
    activity: str | None = None
    attempt: int | None = None
    maximum_attempts: int | None = None
    next_attempt_at: str | None = None
    causes: tuple[Cause, ...] = ()


async def decoded(converter: DataConverter, failure: Failure) -> BaseException:
    """Read a failure; of one with details that cannot be read, what it says itself."""
    try:
        return await converter.decode_failure(failure)
    except UnreadableError as error:
        return ApplicationError(
            f"why it failed cannot be read: {error}", type=failure.application_failure_info.type
        )
    except UNREADABLE:
        return ApplicationError(failure.message, type=failure.application_failure_info.type)


def links(failure: BaseException) -> list[Cause]:
    """Return a failure's chain, the most telling link first.

    Temporal wraps what went wrong in "activity failed" and "child workflow failed"; those stand
    only where nothing lies inside them.
    """
    chain = list(_chain(failure))
    subject = "the run"
    telling: list[Cause] = []
    for error in chain:
        if isinstance(error, ActivityError):
            subject = f"activity {error.activity_type}"
        elif isinstance(error, ChildWorkflowError):
            subject = f"child run {error.workflow_id}"
        elif not isinstance(error, NexusOperationError):
            telling.append(_link(error, subject))
            subject = "it"
    return telling or [_link(chain[-1], subject)]


def failed_activity(failure: BaseException) -> str | None:
    """Return the type of the activity that a run's failure began in."""
    found = [error.activity_type for error in _chain(failure) if isinstance(error, ActivityError)]
    return found[-1] if found else None


def closed_run_error(failure: BaseException) -> TaskError:
    """Describe the failure that ended a run."""
    first, *rest = links(failure)
    return TaskError(
        type=first.type,
        message=first.message,
        will_retry=False,
        activity=failed_activity(failure),
        causes=tuple(rest),
    )


def _chain(failure: BaseException) -> Iterator[BaseException]:
    error: BaseException | None = failure
    while error is not None:
        yield error
        error = error.__cause__


def _link(error: BaseException, subject: str) -> Cause:
    match error:
        case ApplicationError():
            return _cause(error.type or "ApplicationError", error.message)
        case TimeoutError():
            what = _TIMEOUTS.get(error.type, "timed out") if error.type else "timed out"
            return _cause("TimeoutError", f"{subject} {what}")
        case CancelledError():
            return _cause("CancelledError", f"{subject} was cancelled")
        case TerminatedError():
            return _cause("TerminatedError", f"{subject} was terminated: {error}")
        case ActivityError() | ChildWorkflowError():
            return _cause(type(error).__name__, f"{subject} failed")
        case _:
            return _cause(type(error).__name__, str(error))


def _cause(kind: str, message: str) -> Cause:
    shown = message if len(message) <= _MAX_CHARACTERS else message[: _MAX_CHARACTERS - 1] + "…"
    return Cause(type=kind, message=shown)


def retried(
    causes: Sequence[Cause],
    *,
    will_retry: bool,
    activity: str,
    attempt: int,
    maximum_attempts: int | None,
    next_attempt_at: str | None,
) -> TaskError:
    """Describe what an activity of an open run failed with last."""
    return TaskError(
        type=causes[0].type,
        message=causes[0].message,
        will_retry=will_retry,
        activity=activity,
        attempt=attempt,
        maximum_attempts=maximum_attempts,
        next_attempt_at=next_attempt_at,
        causes=tuple(causes[1:]),
    )
