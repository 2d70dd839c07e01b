"""What a call can end in, each with its gRPC status and machine-readable details.

GatewayError
├── InvalidRequestError        INVALID_ARGUMENT     fields that are wrong, one violation each
├── UnknownWorkflowTypeError   NOT_FOUND            no module announces that type
├── RunNotFoundError           NOT_FOUND            Temporal knows no such run
├── ScheduleNotFoundError      NOT_FOUND            the tenant has no such schedule
├── RouteConflictError         FAILED_PRECONDITION  two modules claim one type
├── BrokenRouteError           FAILED_PRECONDITION  a module announced what cannot be used
├── NotOfferedError            UNIMPLEMENTED        nothing installed does this
├── ExecutionFailedError       ABORTED              the run that ran code left no result
├── UnauthenticatedError       UNAUTHENTICATED      no token, or not one that says who calls
├── PermissionMissingError     PERMISSION_DENIED    the token does not permit the RPC
├── TenantDeniedError          PERMISSION_DENIED    a tenant is named that is not theirs
├── ScopeMissingError          PERMISSION_DENIED    the unit asks for scopes the token has not
├── KeysUnavailableError       UNAVAILABLE          the keys that tokens are checked with are away
├── RateLimitedError           RESOURCE_EXHAUSTED   the tenant calls too often; try again
├── TooManyCallsError          RESOURCE_EXHAUSTED   the tenant has too much in hand; try again
├── TooManyExecutionsError     RESOURCE_EXHAUSTED   the tenant's code has too much of itself open
├── TemporalRefusedError       FAILED_PRECONDITION  Temporal says no for a reason of its own
├── ReplyTooLargeError         RESOURCE_EXHAUSTED   the answer is more than clients take
├── UnreadableRunError         FAILED_PRECONDITION  the gateway lacks the key or store it lies in
├── StoreUnavailableError      UNAVAILABLE          the store of large payloads is away; try again
├── TemporalUnavailableError   UNAVAILABLE          Temporal does not answer; try again
├── GatewayStoppingError       UNAVAILABLE          this gateway stops; ask another
├── TemporalBusyError          RESOURCE_EXHAUSTED   Temporal asks to slow down; try again
└── OutOfTimeError             DEADLINE_EXCEEDED    the caller's deadline passed first

Each also belongs to core's permanent or transient branch. Any other exception is a fault of the
gateway's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import grpc

from contextcore import Violation
from contextworker.core.errors import (
    ContextWorkerError,
    InvalidInputError,
    PermanentError,
    TransientError,
)
from contextworker.gateway.limits.share import Share


class GatewayError(ContextWorkerError):
    """A call's end that the caller is told about in full."""

    code: ClassVar[grpc.StatusCode]
    reason: ClassVar[str]
    """`ErrorInfo.reason`: for programs, so it never changes."""

    metadata: Mapping[str, str] = {}
    violations: Sequence[Violation] = ()
    retry_after_s: float | None = None


class InvalidRequestError(GatewayError, InvalidInputError):
    """Some fields of the request are wrong."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    reason = "INVALID_REQUEST"

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{item.field} {item.description}" for item in violations))


class UnknownWorkflowTypeError(GatewayError, PermanentError):
    """No module announces the workflow type."""

    code = grpc.StatusCode.NOT_FOUND
    reason = "UNKNOWN_WORKFLOW_TYPE"

    def __init__(self, workflow_type: str, known: Iterable[str]) -> None:
        names = sorted(known)
        self.metadata = {"workflow_type": workflow_type, "known": ",".join(names)}
        hint = f"known: {', '.join(names)}" if names else "no module has announced any yet"
        super().__init__(f"no module serves the workflow type {workflow_type!r}; {hint}")


class RunNotFoundError(GatewayError, PermanentError):
    """Temporal knows no such run."""

    code = grpc.StatusCode.NOT_FOUND
    reason = "RUN_NOT_FOUND"

    def __init__(self, workflow_id: str, run_id: str = "") -> None:
        self.metadata = {"workflow_id": workflow_id}
        which = f" with run id {run_id!r}" if run_id else ""
        super().__init__(
            f"there is no run {workflow_id!r}{which}: it was never started, or it ended so long "
            "ago that Temporal no longer keeps it"
        )


class ScheduleNotFoundError(GatewayError, PermanentError):
    """The tenant has no such schedule."""

    code = grpc.StatusCode.NOT_FOUND
    reason = "SCHEDULE_NOT_FOUND"

    def __init__(self, tenant_id: str, schedule_id: str) -> None:
        self.metadata = {"tenant_id": tenant_id, "schedule_id": schedule_id}
        super().__init__(
            f"the tenant {tenant_id!r} has no schedule {schedule_id!r}: it was never registered, "
            "or it was deleted"
        )


class RouteConflictError(GatewayError, PermanentError):
    """Two modules claim one workflow type."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "ROUTE_CONFLICT"

    def __init__(self, workflow_type: str, modules: Iterable[str]) -> None:
        names = sorted(modules)
        self.metadata = {"workflow_type": workflow_type, "modules": ",".join(names)}
        super().__init__(
            f"the workflow type {workflow_type!r} is claimed by the modules "
            f"{' and '.join(names)}; rename it in one of them, or retire that one's deployment"
        )


class BrokenRouteError(GatewayError, PermanentError):
    """What a module announced of a route cannot be used."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "BROKEN_ROUTE"

    def __init__(self, workflow_type: str, module: str, problem: str) -> None:
        self.metadata = {"workflow_type": workflow_type, "module": module}
        super().__init__(f"module {module!r} announces {workflow_type!r} with {problem}")


class NotOfferedError(GatewayError, PermanentError):
    """Nothing that is installed does what was asked."""

    code = grpc.StatusCode.UNIMPLEMENTED
    reason = "NOT_OFFERED"


class ExecutionFailedError(GatewayError, PermanentError):
    """The run that was to run code ended without a result: an error in code is a result."""

    code = grpc.StatusCode.ABORTED
    reason = "EXECUTION_FAILED"

    def __init__(self, workflow_id: str, run_id: str, status: str, why: str) -> None:
        self.metadata = {"workflow_id": workflow_id, "run_id": run_id, "status": status}
        super().__init__(f"the execution {workflow_id!r} left no result: {why}")


class UnauthenticatedError(GatewayError, PermanentError):
    """The call has no token, or not one that says who calls."""

    code = grpc.StatusCode.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"

    def __init__(self, problem: str, sentence: str) -> None:
        """Refuse a token.

        Args:
            problem: What is wrong in one word, for programs.
            sentence: What is wrong and what to do, without anything secret.
        """
        self.problem = problem
        self.metadata = {"problem": problem}
        super().__init__(sentence)


class PermissionMissingError(GatewayError, PermanentError):
    """The caller's token does not permit the RPC."""

    code = grpc.StatusCode.PERMISSION_DENIED
    reason = "PERMISSION_MISSING"

    def __init__(self, rpc: str, permission: str, *, acting_as: str = "") -> None:
        """Refuse an RPC.

        Args:
            rpc: Its name.
            permission: What it takes.
            acting_as: In whose name it is called, where the token itself would permit it.
        """
        self.metadata = {"rpc": rpc, "permission": permission}
        super().__init__(
            f"{rpc} takes the permission {permission!r}, which {acting_as} does not have"
            if acting_as
            else f"{rpc} takes the permission {permission!r}, which your token does not have; use "
            "a token that has it"
        )


class ScopeMissingError(GatewayError, PermanentError):
    """A unit's security asks for scopes that the caller does not hold."""

    code = grpc.StatusCode.PERMISSION_DENIED
    reason = "SCOPE_MISSING"

    def __init__(self, scopes: Iterable[str]) -> None:
        names = sorted(scopes)
        self.metadata = {"scopes": ",".join(names)}
        super().__init__(
            f"the unit's security takes {', '.join(map(repr, names))} among the permissions of "
            "your token; use a token that has them"
        )


class KeysUnavailableError(GatewayError, TransientError):
    """The keys that tokens are checked with cannot be read, and none at hand is young enough."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "KEYS_UNAVAILABLE"
    retry_after_s = 5.0


class TenantDeniedError(GatewayError, PermanentError):
    """The payload, or whom the call is made for, names a tenant that is not the caller's."""

    code = grpc.StatusCode.PERMISSION_DENIED
    reason = "TENANT_DENIED"

    def __init__(self, tenant_id: str, *, by: str = "") -> None:
        """Refuse a tenant.

        Args:
            tenant_id: The tenant.
            by: The metadata that names it; empty where the payload does.
        """
        self.metadata = {"tenant_id": tenant_id}
        denied = f"your token is not for the tenant {tenant_id!r}"
        super().__init__(
            f"{denied}, which the metadata {by} names; use a token that is"
            if by
            else f"{denied}; leave tenant_id out, or use a token that names it"
        )


class RateLimitedError(GatewayError, TransientError):
    """A tenant calls more often than this gateway allows."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "RATE_LIMITED"

    def __init__(self, share: Share, per_s: int, *, retry_after_s: float) -> None:
        self.metadata = {"limit": "rate", "allowed": str(per_s), share.owner.value: share.name}
        self.retry_after_s = retry_after_s
        super().__init__(
            f"{share} may call this gateway {per_s} times a second, and calls more often; "
            f"try again in {retry_after_s:g} s, or ask its operator for a higher rate"
        )


class TooManyCallsError(GatewayError, TransientError):
    """A tenant has as many calls, executions or watches in hand as this gateway allows."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "TOO_MANY_CALLS"

    def __init__(self, share: Share, limit: int, what: str, *, retry_after_s: float) -> None:
        self.metadata = {"limit": what, "allowed": str(limit), share.owner.value: share.name}
        self.retry_after_s = retry_after_s
        super().__init__(
            f"{share} has {limit} {what} in hand at this gateway, as many as it may have at once; "
            "try again when one has ended, or ask its operator for more"
        )


class TooManyExecutionsError(GatewayError, PermanentError):
    """A tenant has as many executions of code open as it may.

    Without a time to try again: code that starts code would wait for itself.
    """

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "TOO_MANY_EXECUTIONS"

    def __init__(self, tenant_id: str, limit: int) -> None:
        self.metadata = {"tenant_id": tenant_id, "allowed": str(limit)}
        super().__init__(
            f"the tenant {tenant_id!r} has {limit} executions of code open, as many as it may "
            "have; wait until some have ended, cancel what must not go on, or ask the gateway's "
            "operator for more"
        )


class TemporalRefusedError(GatewayError, PermanentError):
    """Temporal says no, for a reason that only it knows of."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "TEMPORAL_REFUSED"

    def __init__(self, temporal_code: str, message: str) -> None:
        self.metadata = {"temporal_code": temporal_code}
        super().__init__(f"Temporal refuses this: {message} ({temporal_code})")


class ReplyTooLargeError(GatewayError, PermanentError):
    """The answer is more than clients take as one message."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "REPLY_TOO_LARGE"

    def __init__(self, size: int, limit: int) -> None:
        self.metadata = {"size": str(size), "limit": str(limit)}
        super().__init__(
            f"the answer takes {size:,} bytes, and a reply holds {limit:,}; ask for less of it, "
            "as by a smaller page_size"
        )


class UnreadableRunError(GatewayError, PermanentError):
    """What the call is about cannot be read by this gateway, as it is configured."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "UNREADABLE"

    def __init__(self, why: str) -> None:
        super().__init__(f"the gateway cannot read what this is about: {why}")


class StoreUnavailableError(GatewayError, TransientError):
    """The object store, where large payloads go, does not take one."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "STORE_UNAVAILABLE"
    retry_after_s = 2.0

    def __init__(self) -> None:
        super().__init__(
            "the store of large payloads does not answer the gateway; send the same unit again"
        )


class TemporalUnavailableError(GatewayError, TransientError):
    """Temporal does not answer, or does not let this gateway in."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "TEMPORAL_UNAVAILABLE"
    retry_after_s = 2.0


class GatewayStoppingError(GatewayError, TransientError):
    """The gateway stops, and ends what would go on."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "GATEWAY_STOPPING"
    retry_after_s = 1.0

    def __init__(self) -> None:
        super().__init__("this gateway is stopping; call again, and another one answers")


class TemporalBusyError(GatewayError, TransientError):
    """Temporal asks to slow down."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "TEMPORAL_BUSY"
    retry_after_s = 1.0

    def __init__(self, message: str, *, with_one_run: bool = False) -> None:
        self.with_one_run = with_one_run
        """Whether one run, or schedule, has too many callers for a moment, and nothing else."""

        super().__init__(message)


class OutOfTimeError(GatewayError, TransientError):
    """The caller's deadline passed before Temporal answered."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"
