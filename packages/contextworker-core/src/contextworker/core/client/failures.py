"""Reads a failed gRPC call as the error of its kind, with the gateway's `google.rpc` details."""

from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # has none

from contextcore import Violation
from contextworker.core.client import errors
from contextworker.core.client.errors import ClientError
from contextworker.core.client.outcome import ended

_DETAILS_KEY: Final = "grpc-status-details-bin"
_EXECUTION_FAILED: Final = "EXECUTION_FAILED"
_Code = grpc.StatusCode

_BY_REASON: Final[dict[str, type[ClientError]]] = {
    "UNKNOWN_WORKFLOW_TYPE": errors.UnknownWorkflowTypeError,
    "RUN_NOT_FOUND": errors.TaskNotFoundError,
    "SCHEDULE_NOT_FOUND": errors.ScheduleNotFoundError,
}
_BY_CODE: Final[dict[grpc.StatusCode, type[ClientError]]] = {
    _Code.INVALID_ARGUMENT: errors.InvalidRequestError,
    _Code.OUT_OF_RANGE: errors.InvalidRequestError,
    _Code.UNAUTHENTICATED: errors.UnauthenticatedError,
    _Code.PERMISSION_DENIED: errors.PermissionDeniedError,
    _Code.NOT_FOUND: errors.NotFoundError,
    _Code.FAILED_PRECONDITION: errors.FailedPreconditionError,
    _Code.ALREADY_EXISTS: errors.FailedPreconditionError,
    _Code.UNIMPLEMENTED: errors.NotOfferedError,
    _Code.UNAVAILABLE: errors.UnavailableError,
    _Code.ABORTED: errors.UnavailableError,
    _Code.CANCELLED: errors.UnavailableError,  # by the other end: ours is not read as a failure
    _Code.RESOURCE_EXHAUSTED: errors.ResourceExhaustedError,
    _Code.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
}
# How gRPC's C core words what it has no code for.
_BROKEN_SIGNS: Final = ("RST_STREAM", "Stream removed")
_HUNG_UP_SIGNS: Final = ("Socket closed", "reset")
_SIZE_SIGNS: Final = ("larger than max", "too large")
_TLS_SIGNS: Final = ("CERTIFICATE", "Ssl handshake", "SSL_ERROR", "Hostname Verification", "ALPN")


def read_failure(error: Any, address: str) -> ClientError:
    """Return the error for a failed call to the gateway at an address.

    Args:
        error: What gRPC's sync or async API raised.
        address: Named where no gateway wrote the failure itself.
    """
    code: grpc.StatusCode = error.code()
    message = (error.details() or "").strip()
    status = _status(error)
    if status is None:
        return _by_grpc_itself(code, message, address)
    info, violations, retry_after_s = _details(status)
    if info.reason == _EXECUTION_FAILED:
        return ended(message, info.metadata)
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, errors.GatewayFaultError)
    return kind(
        message or f"the gateway at {address} failed: {code.name}",
        code=code,
        reason=info.reason,
        metadata=info.metadata,
        violations=violations,
        retry_after_s=retry_after_s,
    )


def _by_grpc_itself(code: grpc.StatusCode, message: str, address: str) -> ClientError:
    """Read a failure that a gateway did not write: gRPC did, or something in between."""
    kind = _BY_CODE.get(code, errors.GatewayFaultError)
    text = f"the call to the gateway at {address} ended with {code.name}"
    match code:
        case _Code.UNAVAILABLE if any(sign in message for sign in _TLS_SIGNS):
            kind = errors.CertificateError
            text = (
                f"no secure connection to {address} can be made; check the certificates of both "
                "ends, and that the gateway speaks TLS"
            )
        case _Code.UNAVAILABLE | _Code.CANCELLED:
            kind, text = errors.UnreachableError, f"no gateway answers at {address}"
            if "failed to connect" in message and any(sign in message for sign in _HUNG_UP_SIGNS):
                text += "; if there is one, it may expect TLS"
        case _Code.INTERNAL | _Code.UNKNOWN if any(sign in message for sign in _BROKEN_SIGNS):
            kind, text = errors.UnreachableError, f"the connection to {address} broke"
        case _Code.DEADLINE_EXCEEDED:
            text = f"the gateway at {address} did not answer in time"
        case _Code.UNIMPLEMENTED:
            text = f"what answers at {address} is no gateway, or one that does not offer this"
        case _Code.RESOURCE_EXHAUSTED if any(sign in message for sign in _SIZE_SIGNS):
            kind = errors.TooLargeError
            text = "the request or its reply is larger than a message may be"
    return kind(f"{text}: {message}" if message else text, code=code)


def _details(status: Any) -> tuple[Any, list[Violation], float | None]:
    info = error_details_pb2.ErrorInfo()
    violations: list[Violation] = []
    retry_after_s = None
    for packed in status.details:
        bad, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if packed.Is(info.DESCRIPTOR):
            packed.Unpack(info)
        elif packed.Unpack(bad):
            violations += _violations(bad)
        elif packed.Unpack(retry):
            retry_after_s = retry.retry_delay.ToMilliseconds() / 1000
    return info, violations, retry_after_s


def _violations(bad: Any) -> Iterator[Violation]:
    for violation in bad.field_violations:
        yield Violation(violation.field or "payload", violation.description)


def _status(error: Any) -> Any:
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None
