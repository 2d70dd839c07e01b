"""A gateway on loopback that behaves as a test lays out, well or badly, and keeps what it got."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # has none

from contextcore import ContextUnit, context_unit_pb2, worker_pb2

SERVICE = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"]
Payload = dict[str, Any]


class Hang:
    """An answer that never comes."""


class Garbage:
    """A reply that is no unit."""


@dataclass(frozen=True)
class Refusal:
    """A status, with details where they are given."""

    code: grpc.StatusCode
    message: str = "refused"
    details: Sequence[Message] = ()


def refusal(
    code: grpc.StatusCode,
    reason: str,
    message: str = "refused",
    *,
    retry_after_s: float | None = None,
    violations: dict[str, str] | None = None,
    **metadata: str,
) -> Refusal:
    """Make a status as a gateway writes it."""
    details: list[Any] = [
        error_details_pb2.ErrorInfo(reason=reason, domain="contextworker", metadata=metadata)
    ]
    if violations:
        bad = error_details_pb2.BadRequest()
        for name, description in violations.items():
            bad.field_violations.add(field=name, description=description)
        details.append(bad)
    if retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(retry_after_s * 1000))
        details.append(retry)
    return Refusal(code, message, details)


Answer = Payload | Refusal | Hang | Garbage
Script = Answer | list[Answer]


@dataclass(frozen=True)
class Asked:
    """One call that came in."""

    rpc: str
    unit: ContextUnit
    metadata: dict[str, Any]
    seconds: float
    """The deadline that the client set."""


@dataclass
class ScriptedGateway:
    """Answers each call with the next of `answers`; a list answers a stream, which then ends."""

    answers: list[Script] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a call has ended, in whatever way."""

    def start(
        self,
        port: int = 0,
        *,
        address: str = "",
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        """Listen on a free port, on the one where it listened before, or on any other address."""
        self._server = grpc.server(
            ThreadPoolExecutor(16), handlers=[_Handler(self)], options=[("grpc.so_reuseport", 0)]
        )
        address = address or f"127.0.0.1:{port}"
        self.port = (
            self._server.add_insecure_port(address)
            if credentials is None
            else self._server.add_secure_port(address, credentials)
        )
        self._server.start()

    def stop(self) -> None:
        """Break every connection."""
        self._server.stop(None).wait()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def payloads(self) -> list[Payload]:
        """What it was asked."""
        return [asked.unit.payload for asked in self.asked]

    @property
    def unit_ids(self) -> list[str]:
        """The ids of the units that it got."""
        return [asked.unit.unit_id for asked in self.asked]

    def take(self, rpc: str, request: Any, context: Any) -> tuple[ContextUnit, Script]:
        """Note a call and return its answer."""
        unit = ContextUnit.from_protobuf(request)
        metadata = {item.key: item.value for item in context.invocation_metadata()}
        if not context.add_callback(self.left.set):
            self.left.set()
        self.asked.append(Asked(rpc, unit, metadata, context.time_remaining()))
        return unit, self.answers.pop(0)

    def play(self, unit: ContextUnit, answer: Answer, context: Any) -> Any:
        """Give one answer."""
        match answer:
            case Hang():
                while context.is_active():
                    time.sleep(0.01)
                return None
            case Refusal(code, message, details):
                context.set_trailing_metadata(_rich(code, message, details))
                context.abort(code, message)
            case Garbage():
                return context_unit_pb2.ContextUnit(unit_id="nonsense")
            case dict():
                return unit.child(answer, provenance="test:answer").to_protobuf()
        raise AssertionError("abort raises")


def connected(make_client: Callable[..., Any], gateway: ScriptedGateway, **options: Any) -> Any:
    """Make a client that has been answered once.

    Of a short time that a test gives a call, nothing is then spent on the connection, which on a
    busy machine may take all of it.
    """
    client = make_client(gateway.address, **options)
    gateway.answers = [{"modules": []}]
    client.modules()
    gateway.asked.clear()
    return client


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, gateway: ScriptedGateway) -> None:
        self._gateway = gateway

    def service(self, handler_call_details: Any) -> Any:
        service, _, rpc = handler_call_details.method.removeprefix("/").partition("/")
        method = SERVICE.methods_by_name.get(rpc)
        if service != SERVICE.full_name or method is None:
            return None
        gateway = self._gateway

        def unary(request: Any, context: Any) -> Any:
            unit, answer = gateway.take(rpc, request, context)
            assert not isinstance(answer, list)
            return gateway.play(unit, answer, context)

        def stream(request: Any, context: Any) -> Iterator[Any]:
            unit, answers = gateway.take(rpc, request, context)
            for answer in answers if isinstance(answers, list) else [answers]:
                if (reply := gateway.play(unit, answer, context)) is not None:
                    yield reply

        make = (
            grpc.unary_stream_rpc_method_handler
            if method.server_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return make(
            stream if method.server_streaming else unary,
            request_deserializer=context_unit_pb2.ContextUnit.FromString,
            response_serializer=context_unit_pb2.ContextUnit.SerializeToString,
        )


def _rich(
    code: grpc.StatusCode, message: str, details: Sequence[Message]
) -> tuple[tuple[str, bytes], ...]:
    if not details:
        return ()
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return (("grpc-status-details-bin", status.SerializeToString()),)
