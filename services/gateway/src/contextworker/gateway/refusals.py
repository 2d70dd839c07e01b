"""Writes an error as a gRPC status with details, no larger than what clients accept.

A status and its details travel as trailing metadata, of which gRPC clients take 8 KiB before they
throw all of it away; text beyond printable ASCII is percent-encoded, and details are base64.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped] # ships no py.typed
    BadRequest,
    ErrorInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # ships no py.typed

from contextcore import Violation
from contextworker.gateway.errors import GatewayError

DOMAIN = "contextworker"
_DETAILS_KEY = "grpc-status-details-bin"
_MAX_MESSAGE = 1000
_MAX_METADATA_VALUE = 1000
_MAX_FIELD = 200
_MAX_DESCRIPTION = 600
_MAX_VIOLATIONS = 3000
_ELLIPSIS = "…"


@dataclass(frozen=True)
class Refusal:
    """A status as a gRPC call aborts with it."""

    code: grpc.StatusCode
    message: str
    details: Sequence[Message]

    @property
    def trailing_metadata(self) -> tuple[tuple[str, bytes]]:
        """The details, as clients of `google.rpc.Status` expect them."""
        status = Status(code=self.code.value[0], message=self.message)
        for detail in self.details:
            status.details.add().Pack(detail)
        return ((_DETAILS_KEY, status.SerializeToString()),)


def refusal_of(error: GatewayError) -> Refusal:
    """Write an error that the caller is told about in full."""
    metadata = {key: clipped(value, _MAX_METADATA_VALUE) for key, value in error.metadata.items()}
    details: list[Message] = [ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)]
    if error.violations:
        details.append(_bad_request(error.violations))
    if error.retry_after_s is not None:
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after_s * 1000))
        details.append(RetryInfo(retry_delay=delay))
    return Refusal(error.code, clipped(str(error), _MAX_MESSAGE), details)


def fault(incident: str) -> Refusal:
    """Write a fault of the gateway's own: the caller gets the id under which its log has it."""
    return Refusal(
        grpc.StatusCode.INTERNAL,
        f"the gateway failed unexpectedly; its log has the reason under {incident}",
        [ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"incident": incident})],
    )


def clipped(text: str, room: int) -> str:
    """Cut a text to the bytes it may take, percent-encoded."""
    end = size = 0
    for index, character in enumerate(text):
        size += _encoded_bytes(character)
        if size > room:
            return text[:end] + _ELLIPSIS
        if size <= room - _encoded_bytes(_ELLIPSIS):
            end = index + 1
    return text


def _encoded_bytes(character: str) -> int:
    plain = " " <= character <= "~" and character != "%"
    return 1 if plain else 3 * len(character.encode())


def _bad_request(violations: Sequence[Violation]) -> Any:
    request = BadRequest()
    for index, violation in enumerate(violations):
        one = BadRequest.FieldViolation(
            field=clipped(violation.field, _MAX_FIELD),
            description=clipped(violation.description, _MAX_DESCRIPTION),
        )
        if request.ByteSize() + one.ByteSize() > _MAX_VIOLATIONS:
            one = BadRequest.FieldViolation(
                field="payload", description=f"has {len(violations) - index:,} more problems"
            )
            request.field_violations.append(one)
            break
        request.field_violations.append(one)
    return request
