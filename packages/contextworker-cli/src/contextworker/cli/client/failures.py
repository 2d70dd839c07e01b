"""A failed gRPC call as a sentence: what happened, each problem on its own line."""

from collections.abc import Iterator

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # has none
from grpc import aio

from contextworker.cli.errors import GatewayError, NoGatewayError
from contextworker.cli.output.hints import command

_DETAILS_KEY = "grpc-status-details-bin"


def from_rpc_error(error: aio.AioRpcError, address: str) -> GatewayError:
    """Return the error to show for a failed call to the gateway at `address`."""
    status = _status(error)
    code = error.code()
    if code is grpc.StatusCode.UNAVAILABLE and status is None:  # no server wrote this: gRPC did
        return NoGatewayError(
            code.name,
            f"No gateway answers at {address}.",
            [
                f"Start one here with:       {command('up')}",
                "or name another one with:  --address HOST:PORT (or WORKER_ADDRESS)",
            ],
        )
    if code is grpc.StatusCode.DEADLINE_EXCEEDED and status is None:
        return GatewayError(
            code.name, f"The gateway at {address} did not answer in time; ask again."
        )
    if code is grpc.StatusCode.UNIMPLEMENTED and status is None:
        return GatewayError(
            code.name,
            f"What answers at {address} is no gateway, or one that is older than this command.",
            [f"It says: {error.details()}"],
        )
    message = (error.details() or "").strip() or f"The gateway at {address} failed: {code.name}."
    if status is None:
        return GatewayError(code.name, message)
    if violations := list(_violations(status)):  # the message only repeats them in one line
        return GatewayError(code.name, "The request is refused; what is wrong with it:", violations)
    return GatewayError(code.name, message, list(_advice(status)))


def _violations(status: status_pb2.Status) -> Iterator[str]:
    for packed in status.details:
        bad_request = error_details_pb2.BadRequest()
        if packed.Unpack(bad_request):
            for violation in bad_request.field_violations:
                yield f"{violation.field or 'payload'}: {violation.description}"


def _advice(status: status_pb2.Status) -> Iterator[str]:
    for packed in status.details:
        retry = error_details_pb2.RetryInfo()
        if packed.Unpack(retry):
            yield f"Try again in {retry.retry_delay.ToMilliseconds() / 1000:g} s."


def _status(error: aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None
