"""A span of each call, in the trace of its unit."""

from collections.abc import Iterable
from contextvars import Token
from typing import Any, Final

import grpc
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, Tracer

from contextcore import context_unit_pb2, worker_pb2
from contextworker.core.tracing import failed
from contextworker.core.tracing.carrying import TRACEPARENT, read_traceparent
from contextworker.core.tracing.tracer import find_tracer
from contextworker.core.tracing.units import start_in_trace, trace_number
from contextworker.gateway.identity.caller import Caller
from contextworker.gateway.limits.attribution import share_of
from contextworker.gateway.limits.share import Owner

_SERVICE: Final = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"].full_name
_MAX_CHARACTERS: Final = 200
# What is the caller's fault is no error of the gateway's, as OpenTelemetry's conventions have it.
_OWN_FAULTS: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


class CallSpan:
    """One call's span, from its message to its end."""

    __slots__ = ("_code", "_rpc", "_span", "_token", "_tracer")

    def __init__(self, tracer: Tracer, rpc: str) -> None:
        self._tracer = tracer
        self._rpc = rpc
        self._span: Span | None = None
        self._token: Token[Context] | None = None
        # Whatever ends a call without a word of ours, its caller has left.
        self._code = grpc.StatusCode.CANCELLED

    def begin(
        self, request: context_unit_pb2.ContextUnit, caller: Caller, metadata: Iterable[Any] | None
    ) -> None:
        """Begin it, in hand from now on: in the unit's trace, whoever else's the caller names."""
        trace_id = trace_number(request.trace_id)
        if not trace_id:  # no unit, which the call is about to end with
            return
        self._span = start_in_trace(
            self._tracer,
            f"{_SERVICE}/{self._rpc}",
            trace_id,
            _parent(metadata, trace_id),
            kind=SpanKind.SERVER,
            attributes=_attributes(self._rpc, request, caller),
        )
        self._token = contexts.attach(trace.set_span_in_context(self._span))

    def ends_with(self, code: grpc.StatusCode, error: Exception | None = None) -> None:
        """Note how it ends."""
        self._code = code
        if self._span is not None and error is not None:
            if code in _OWN_FAULTS:
                failed(self._span, error)
            else:
                self._span.set_attribute("error.type", type(error).__name__)

    def end(self) -> None:
        """End it."""
        if self._span is not None and self._token is not None:
            contexts.detach(self._token)
            self._span.set_attribute("rpc.grpc.status_code", self._code.value[0])
            self._span.end()


def call_span(rpc: str) -> CallSpan | None:
    """Return the span of a call that begins; None where nothing is traced."""
    tracer = find_tracer()
    return None if tracer is None else CallSpan(tracer, rpc)


def _parent(metadata: Iterable[Any] | None, trace_id: int) -> SpanContext | None:
    """Return the caller's span, if it is of the unit's trace: nobody steers another one."""
    for key, value in metadata or ():
        if key == TRACEPARENT:
            parent = read_traceparent(value)
            if parent is not None and parent.trace_id == trace_id:
                return parent
    return None


def _attributes(
    rpc: str, request: context_unit_pb2.ContextUnit, caller: Caller
) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "rpc.system": "grpc",
        "rpc.service": _SERVICE,
        "rpc.method": rpc,
    }
    share = share_of(request, caller)
    if share.owner is Owner.TENANT:
        attributes["contextworker.tenant_id"] = share.name
    named = request.payload.fields.get("workflow_type")
    workflow_type = "" if named is None else named.string_value
    if 0 < len(workflow_type) <= _MAX_CHARACTERS:
        attributes["contextworker.workflow_type"] = workflow_type
    return attributes
