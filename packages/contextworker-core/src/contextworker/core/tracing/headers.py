"""How a trace travels through Temporal: in the header that its SDKs use, and in their form."""

import json
from collections.abc import Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import SpanContext
from temporalio.api.common.v1 import Header, Payload
from temporalio.converter import PayloadConverter

from contextworker.core.tracing.carrying import TRACEPARENT, read_traceparent, traceparent
from contextworker.core.tracing.tracer import find_tracer

HEADER: Final = "_tracer-data"
"""So workers in other languages, with their SDK's tracing, read and write the same."""

_CONVERTER = PayloadConverter.default


def payload_of(context: SpanContext) -> Payload:
    """Write a span's context as the header's value."""
    return _CONVERTER.to_payloads([{TRACEPARENT: traceparent(context)}])[0]


def read_headers(headers: Mapping[str, Payload]) -> SpanContext | None:
    """Read a span's context; None where there is none that can be read."""
    payload = headers.get(HEADER)
    if payload is None:
        return None
    try:
        carrier = json.loads(payload.data)
    except ValueError:
        return None
    return read_traceparent(carrier.get(TRACEPARENT)) if isinstance(carrier, dict) else None


def current_header() -> Header | None:
    """Return the header for a request to Temporal that the span in hand makes; None without."""
    if find_tracer() is None:
        return None
    current = trace.get_current_span()
    context = current.get_span_context()
    # What has ended asked for work that others still wait for: they are in traces of their own.
    if not context.is_valid or getattr(current, "end_time", None) is not None:
        return None
    return Header(fields={HEADER: payload_of(context)})
