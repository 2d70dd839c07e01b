"""What using a gateway can end in: one class a kind, in core's two branches.

ContextWorkerError
└── ClientError                    whatever went wrong with a call or a task
    ├── InvalidRequestError        fields of the request are wrong: see `violations`
    ├── UnauthenticatedError       no token, or one that the gateway does not accept
    ├── PermissionDeniedError      the token does not allow this
    ├── NotFoundError              there is no such thing
    │   ├── UnknownWorkflowTypeError    no module serves the type
    │   ├── TaskNotFoundError           there is no such task, or not for this token
    │   └── ScheduleNotFoundError       there is no such schedule, or not for this token
    ├── FailedPreconditionError    it cannot be done as things stand
    ├── NotOfferedError            the gateway does not offer the call
    ├── TooLargeError              the request or its reply is larger than a message may be
    ├── CertificateError           the two ends do not agree on TLS
    ├── GatewayFaultError          the gateway failed unexpectedly, or its reply cannot be read
    ├── ClosedError                the client was closed, or made in another process
    ├── TaskNotCompletedError      the task has ended without completing: see `status`
    │   ├── TaskFailedError
    │   ├── TaskCancelledError
    │   ├── TaskTerminatedError
    │   └── TaskTimedOutError      the run took longer than it may
    ├── ResultUnavailableError     the task completed, but its result cannot be returned
    ├── UnavailableError           the gateway, or Temporal behind it, does not answer
    │   └── UnreachableError       nothing answers at the address
    ├── ResourceExhaustedError     too much was asked for: see `retry_after_s`
    ├── DeadlineExceededError      no answer in time; also a TimeoutError
    └── TaskNotDoneError           the task is open when the time is up; also a TimeoutError

The last four, and what is under them, are TransientError: the same may succeed later. All others
are PermanentError.
"""

from collections.abc import Mapping, Sequence

import grpc

from contextcore import Violation
from contextworker.core.client.replies import TaskStatus
from contextworker.core.errors import (
    ContextWorkerError,
    InvalidInputError,
    PermanentError,
    TransientError,
)


class ClientError(ContextWorkerError):
    """A call or a task that did not succeed; the message is a sentence for a person.

    Attributes:
        code: The gRPC status of a call; None where no call failed.
        reason: `ErrorInfo.reason`, a constant for programs, such as `RUN_NOT_FOUND`.
        metadata: What the gateway says besides, for programs.
        violations: Each field that is wrong, and why.
        retry_after_s: When the gateway wants to be asked again.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s


class InvalidRequestError(ClientError, InvalidInputError):
    """Fields of the request are wrong."""


class UnauthenticatedError(ClientError, PermanentError):
    """There is no token, or one that the gateway does not accept."""


class PermissionDeniedError(ClientError, PermanentError):
    """The token does not allow this."""


class NotFoundError(ClientError, PermanentError):
    """There is no such thing, or it is not the caller's to see."""


class UnknownWorkflowTypeError(NotFoundError):
    """No module serves the workflow type."""


class TaskNotFoundError(NotFoundError):
    """There is no such task."""


class ScheduleNotFoundError(NotFoundError):
    """There is no such schedule."""


class FailedPreconditionError(ClientError, PermanentError):
    """It cannot be done as things stand."""


class NotOfferedError(ClientError, PermanentError):
    """The gateway does not offer the call."""


class TooLargeError(ClientError, PermanentError):
    """The request or its reply is larger than a message may be."""


class CertificateError(ClientError, PermanentError):
    """The two ends do not agree on TLS: a certificate is not trusted, or one end speaks none."""


class GatewayFaultError(ClientError, PermanentError):
    """The gateway failed unexpectedly, or what it replied cannot be read."""


class ClosedError(ClientError, PermanentError):
    """The client was closed, or opened in a process that this one was forked from."""


class TaskNotCompletedError(ClientError, PermanentError):
    """A task has ended without completing; `status` says how."""

    def __init__(self, message: str, *, status: TaskStatus | None = None) -> None:
        super().__init__(message)
        self.status = status


class TaskFailedError(TaskNotCompletedError):
    """The task failed; `status.error` says why."""


class TaskCancelledError(TaskNotCompletedError):
    """The task was cancelled."""


class TaskTerminatedError(TaskNotCompletedError):
    """The task was ended by force."""


class TaskTimedOutError(TaskNotCompletedError):
    """The task took longer than it may."""


class ResultUnavailableError(ClientError, PermanentError):
    """The task completed, but its result cannot be returned: it is too large, or no JSON."""


class UnavailableError(ClientError, TransientError):
    """The gateway, or Temporal behind it, does not answer."""


class UnreachableError(UnavailableError):
    """Nothing answers at the gateway's address, or the connection broke."""


class ResourceExhaustedError(ClientError, TransientError):
    """The caller, or everybody together, asks for too much at once."""


class DeadlineExceededError(ClientError, TransientError, TimeoutError):
    """The answer did not come in time."""


class TaskNotDoneError(ClientError, TransientError, TimeoutError):
    """The task is still open after the time to wait; it goes on, and so can waiting."""

    def __init__(self, message: str, *, status: TaskStatus | None = None) -> None:
        super().__init__(message)
        self.status = status
