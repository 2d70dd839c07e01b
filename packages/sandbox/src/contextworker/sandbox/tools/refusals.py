"""What a failed call of the gateway means: the code's mistake, or something to be mended outside.

What the gateway refuses of the caller's is raised in the code, in the gateway's own words. What the
operator of this worker has to mend, and what may pass, is raised here: Temporal tries again, and
GetTaskStatus shows the sentence. Without its causes: Temporal keeps 4 KiB of a failure, and gRPC's
own account of it alone can be more.
"""

from typing import Final

from contextworker.core.caller import CallerRights
from contextworker.core.client import (
    CertificateError,
    ClientError,
    FailedPreconditionError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from contextworker.core.errors import TransientError
from contextworker.sandbox.messages import Answer
from contextworker.sandbox.tools.answers import raised

_IN_CODE: Final[tuple[tuple[type[ClientError], type[Exception]], ...]] = (
    (InvalidRequestError, ValueError),
    (TooLargeError, ValueError),
    (NotFoundError, LookupError),
    (FailedPreconditionError, RuntimeError),
)


def refusal_of(error: ClientError, rights: CallerRights, address: str) -> Answer:
    """Return what a failed call raises in the code.

    Raises:
        TransientError: It is none of the code's business.
    """
    match error:
        case UnauthenticatedError():
            raise TransientError(
                f"the gateway at {address} does not let the sandbox's worker in; set WORKER_TOKEN "
                f"there to a token that it takes: {error}"
            ) from None
        case PermissionDeniedError() if lacking := _lacking_here(error, rights):
            raise TransientError(
                f"the gateway at {address} does not let the sandbox's worker do what its caller "
                f"may; give the token in its WORKER_TOKEN {lacking}: {error}"
            ) from None
        case PermissionDeniedError():
            return raised(PermissionError, str(error))
        case ResourceExhaustedError() if error.retry_after_s is None:
            return raised(RuntimeError, str(error))
        case CertificateError():
            raise TransientError(
                f"{error}; the sandbox's worker is told how by WORKER_TLS and WORKER_TLS_…"
            ) from None
        case UnavailableError() | ResourceExhaustedError() if error.reason:
            # In the gateway's own words: it answers, what is behind it does not.
            raise TransientError(str(error)) from None
    for kind, in_code in _IN_CODE:
        if isinstance(error, kind):
            return raised(in_code, str(error))
    raise TransientError(
        f"{error}; the sandbox's worker calls the gateway that its WORKER_ADDRESS names"
    ) from None


def _lacking_here(error: PermissionDeniedError, rights: CallerRights) -> str:
    """Name what the caller holds and the worker's own token does not; empty if that is not it."""
    permission = error.metadata.get("permission")
    if permission and not rights.lacks(permission):
        return f"the permission {permission!r}"
    scopes = [scope for scope in error.metadata.get("scopes", "").split(",") if scope]
    if scopes and not any(rights.lacks(scope) for scope in scopes):
        return f"the scopes {', '.join(map(repr, scopes))}"
    if error.metadata.get("tenant_id") == rights.tenant_id:
        return f"the tenant {rights.tenant_id!r}"
    return ""
