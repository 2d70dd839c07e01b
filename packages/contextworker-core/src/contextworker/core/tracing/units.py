"""Which trace a unit belongs to, in OpenTelemetry's terms."""

import uuid
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext

from contextcore.origin import new_id
from contextworker.core.tracing.tracer import find_tracer, start

_VERSION = 4


def trace_number(trace_id: str) -> int:
    """Return a unit's trace as OpenTelemetry counts traces; 0 for what is no id of one."""
    try:
        return uuid.UUID(trace_id).int
    except ValueError:
        return 0


def follow_trace() -> str:
    """Return the trace for a unit that is made where none is at hand to follow.

    It is that of the span in hand, if it can be a unit's, as within an activity; else a new one.
    """
    if find_tracer() is None:
        return new_id()
    current = trace.get_current_span().get_span_context()
    if current.is_valid:
        number = uuid.UUID(int=current.trace_id)
        if number.version == _VERSION and number.variant == uuid.RFC_4122:
            return str(number)
    return new_id()


def start_in_trace(
    tracer: trace.Tracer, name: str, trace_id: int, parent: SpanContext | None, **more: Any
) -> Span:
    """Start a span in a unit's trace.

    Args:
        tracer: As `find_tracer` found it.
        name: The span's.
        trace_id: The unit's, as `trace_number` counts it.
        parent: What leads here. Of the same trace, it is the span's parent. Else the span begins
            the unit's trace, and links to it.
        more: As `contextworker.core.tracing.tracer.start` takes it.
    """
    if parent is None or not parent.is_valid:
        return start(tracer, name, context=Context(), trace_id=trace_id, **more)
    if parent.trace_id == trace_id:
        return start(tracer, name, context=within(parent), **more)
    links = [Link(parent)]
    return start(tracer, name, context=Context(), trace_id=trace_id, links=links, **more)


def within(parent: SpanContext) -> Context:
    """Return the context of what a span elsewhere leads to."""
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())
