"""How a trace travels over gRPC: as W3C's `traceparent`, in a call's metadata."""

from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contextworker.core.tracing.tracer import find_tracer
from contextworker.core.tracing.units import within

TRACEPARENT: Final = "traceparent"

_W3C = TraceContextTextMapPropagator()


def traceparent(context: SpanContext) -> str:
    """Write a span's context; what vendors add to it (`tracestate`) stays behind."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, within(context))
    return carrier[TRACEPARENT]


def read_traceparent(text: Any) -> SpanContext | None:
    """Read a span's context; None for what is none."""
    if not isinstance(text, str):
        return None
    found = trace.get_current_span(_W3C.extract({TRACEPARENT: text}, Context()))
    context = found.get_span_context()
    return context if context.is_valid else None


def current_metadata() -> tuple[tuple[str, str], ...]:
    """Return the metadata for a call that the span in hand makes; nothing where there is none."""
    if find_tracer() is None:
        return ()
    context = trace.get_current_span().get_span_context()
    return ((TRACEPARENT, traceparent(context)),) if context.is_valid else ()
