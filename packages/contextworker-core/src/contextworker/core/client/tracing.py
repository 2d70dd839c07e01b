"""A span of each call, in its unit's trace, made with what the host process traces by.

Where the host traces nothing, nothing is made. Nothing of a payload but the workflow type is told.
"""

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Tracer

from contextcore import worker_pb2
from contextworker.core.client.errors import ClientError
from contextworker.core.client.requests import Call
from contextworker.core.client.setup import Metadata
from contextworker.core.tracing.carrying import TRACEPARENT, traceparent
from contextworker.core.tracing.spans import failed
from contextworker.core.tracing.tracer import find_tracer
from contextworker.core.tracing.units import start_in_trace, trace_number

_SERVICE: Final = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"].full_name
_MAX_CHARACTERS: Final = 200
_UNTRACED: Final = nullcontext[Metadata](())


def traced(call: Call[Any], address: str) -> AbstractContextManager[Metadata]:
    """Make a span of a call, with all its attempts; the block gets what they carry for it."""
    tracer = find_tracer()
    return _UNTRACED if tracer is None else _CallSpan(tracer, call, address)


class _CallSpan(AbstractContextManager[Metadata]):
    def __init__(self, tracer: Tracer, call: Call[Any], address: str) -> None:
        self._trace_id = trace_number(call.unit.trace_id)
        self._span: Span = start_in_trace(
            tracer,
            f"{_SERVICE}/{call.rpc}",
            self._trace_id,
            trace.get_current_span().get_span_context(),
            kind=SpanKind.CLIENT,
            attributes=_attributes(call, address),
        )

    def __enter__(self) -> Metadata:
        context = self._span.get_span_context()
        # Another, where what the host traces by lets nobody say which trace a span begins.
        if context.trace_id != self._trace_id:
            return ()
        return ((TRACEPARENT, traceparent(context)),)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, GeneratorExit):  # who follows a task has seen enough
            self._span.set_attribute("rpc.grpc.status_code", 0)
        else:
            if isinstance(error, ClientError) and error.code is not None:
                self._span.set_attribute("rpc.grpc.status_code", error.code.value[0])
            failed(self._span, error)
        self._span.end()


def _attributes(call: Call[Any], address: str) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "rpc.system": "grpc",
        "rpc.service": _SERVICE,
        "rpc.method": call.rpc,
    }
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        attributes |= {"server.address": host, "server.port": int(port)}
    workflow_type = call.unit.payload.get("workflow_type")
    if isinstance(workflow_type, str) and len(workflow_type) <= _MAX_CHARACTERS:
        attributes["contextworker.workflow_type"] = workflow_type
    return attributes
