"""Calls a gateway the way its clients do, and unpacks what it refuses."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped] # ships no py.typed
    BadRequest,
    ErrorInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # ships no py.typed

from contextcore import ContextUnit, context_unit_pb2, worker_pb2, worker_pb2_grpc


@dataclass
class Refusal(Exception):  # noqa: N818 - it is what a caller gets
    """A call that ended in an error, with its details unpacked."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: dict[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None


class Caller:
    """Calls a gateway with ContextUnits."""

    def __init__(self, channel: grpc.aio.Channel, port: int = 0, token: str = "") -> None:
        self.channel = channel
        self.port = port
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        self.stub = worker_pb2_grpc.WorkerServiceStub(channel)

    def bearing(self, token: str) -> "Caller":
        """Return a caller over the same connection that sends a token."""
        return Caller(self.channel, self.port, token)

    async def replies(
        self,
        rpc: str,
        request: ContextUnit | context_unit_pb2.ContextUnit | dict[str, Any],
        *,
        timeout: float | None = 60,  # noqa: ASYNC109 - it becomes the call's deadline
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> list[ContextUnit]:
        """Make one call for all that is answered; raises Refusal."""
        if isinstance(request, dict):
            request = ContextUnit(payload=request, provenance=["tests:trigger"])
        if isinstance(request, ContextUnit):
            request = request.to_protobuf(worker_pb2)
        call = getattr(self.stub, rpc)(
            request, timeout=timeout, metadata=[*self._metadata, *metadata]
        )
        try:
            if isinstance(call, grpc.aio.UnaryStreamCall):
                return [ContextUnit.from_protobuf(reply) async for reply in call]
            return [ContextUnit.from_protobuf(await call)]
        except grpc.aio.AioRpcError as error:
            raise refusal_of(error) from None

    async def send(self, rpc: str, request: Any, **options: Any) -> ContextUnit:
        """Make one call for its last answer; raises Refusal."""
        return (await self.replies(rpc, request, **options))[-1]

    async def ask(self, rpc: str, request: Any, **options: Any) -> dict[str, Any]:
        """Make one call for its answer's payload; raises Refusal."""
        return (await self.send(rpc, request, **options)).payload

    async def refused(self, rpc: str, request: Any, **options: Any) -> Refusal:
        """Make one call that must fail."""
        try:
            answer = await self.send(rpc, request, **options)
        except Refusal as refusal:
            return refusal
        raise AssertionError(f"{rpc} was answered: {answer.payload}")

    async def status(self, workflow_id: str, **more: str) -> dict[str, Any]:
        """Ask how a run stands."""
        return await self.ask("GetTaskStatus", {"workflow_id": workflow_id, **more})

    async def status_when(
        self, workflow_id: str, wanted: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Ask until the answer is as wanted."""
        status: dict[str, Any] = await until(lambda: self.status(workflow_id), wanted)
        return status


async def until(
    ask: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool], *, timeout_s: float = 60
) -> Any:
    """Ask again until the answer is as wanted; the last answer is in the failure."""
    answer = None
    try:
        async with asyncio.timeout(timeout_s):
            while not wanted(answer := await ask()):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"still not as wanted: {answer}") from None
    return answer


class connected:  # noqa: N801 - reads as a function
    """A caller of the gateway on a port."""

    def __init__(self, port: int) -> None:
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._caller = Caller(self._channel, port)

    async def __aenter__(self) -> Caller:
        return self._caller

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """Unpack how a call ended."""
    refusal = Refusal(error.code(), error.details() or "")
    metadata = dict(error.trailing_metadata() or ())
    status = Status.FromString(metadata.get("grpc-status-details-bin", b""))
    for detail in status.details:
        _add(refusal, detail)
    return refusal


def _add(refusal: Refusal, detail: Any) -> None:
    info, bad, retry = ErrorInfo(), BadRequest(), RetryInfo()
    if detail.Unpack(info):
        refusal.reason, refusal.metadata = info.reason, dict(info.metadata)
        assert info.domain == "contextworker"
    elif detail.Unpack(bad):
        found = bad.field_violations
        refusal.violations = {item.field: item.description for item in found}
        assert len(found) == len(refusal.violations)
    elif detail.Unpack(retry):
        refusal.retry_after_s = retry.retry_delay.ToTimedelta().total_seconds()
    else:
        unknown: Message = detail
        raise AssertionError(f"unknown detail {unknown}")
