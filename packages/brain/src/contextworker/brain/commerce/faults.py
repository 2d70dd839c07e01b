"""What a CommerceService answers in place of a reply, as this project's errors."""

from typing import Final

from grpc import StatusCode
from grpc.aio import AioRpcError

from contextworker.core.errors import (
    ConfigurationError,
    ContextWorkerError,
    PermanentError,
    TransientError,
)

_RETRIED: Final = (
    StatusCode.UNAVAILABLE,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.ABORTED,
    StatusCode.CANCELLED,  # by the other end: ours is not raised as an AioRpcError
)
# A service that stumbles over its own database says one of these, as for a mistake of its own: not
# asked again at once, and left to the retry policy of the activity.
_UNCLEAR: Final = (StatusCode.INTERNAL, StatusCode.UNKNOWN)
# How gRPC's C core words what it has no code for.
_TLS_SIGNS: Final = ("CERTIFICATE", "Ssl handshake", "SSL_ERROR", "Hostname Verification", "ALPN")
_SIZE_SIGNS: Final = ("larger than max", "too large")


class NotFoundError(PermanentError):
    """The service does not know the product."""


def may_pass(error: Exception) -> bool:
    """Tell whether the same call may succeed in a moment."""
    return (
        isinstance(error, AioRpcError)
        and error.code() in _RETRIED
        and not _is_said(error, _TLS_SIGNS)
        and not _is_said(error, _SIZE_SIGNS)
    )


def in_a_sentence(error: AioRpcError, what: str, name: str) -> ContextWorkerError:
    """Return the error for a call that is given up.

    Args:
        error: What gRPC raised.
        what: What the call was about, such as "product 'T-1' of camping-trade".
        name: The service's address.
    """
    code, said = error.code(), (error.details() or "").strip()
    reason = f"{code.name}: {said}" if said else code.name
    if _is_said(error, _TLS_SIGNS):
        return ConfigurationError(
            f"no secure connection to the commerce service at {name} can be made; check "
            f"BRAIN_TLS_CA_FILE and the certificates of both ends ({said})"
        )
    if _is_said(error, _SIZE_SIGNS):
        return PermanentError(f"{what} is larger than a message to {name} may be: {said}")
    if code in _RETRIED or code in _UNCLEAR:
        verb = "fails" if code in _UNCLEAR else "does not answer now"
        return TransientError(f"the commerce service at {name} {verb}, asked for {what} ({reason})")
    if code is StatusCode.UNAUTHENTICATED:
        return ConfigurationError(
            f"the commerce service at {name} does not let this worker in, asked for {what}; check "
            f"BRAIN_TOKEN ({reason})"
        )
    if code is StatusCode.UNIMPLEMENTED:
        return ConfigurationError(
            f"what answers at {name} is no CommerceService, or lacks a part of it ({reason})"
        )
    kind = NotFoundError if code is StatusCode.NOT_FOUND else PermanentError
    return kind(f"the commerce service at {name} refuses {what} ({reason})")


def _is_said(error: AioRpcError, signs: tuple[str, ...]) -> bool:
    return any(sign in (error.details() or "") for sign in signs)
