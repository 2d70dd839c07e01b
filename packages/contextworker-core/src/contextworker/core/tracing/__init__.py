"""Traces in OpenTelemetry's terms: a unit's `trace_id` is the id of the trace.

Services and modules use `span`; everything else here is for the client, the gateway and the
workers' runtime. While nothing is traced, all of it does nothing.
"""

from contextworker.core.tracing.spans import failed, span
from contextworker.core.tracing.units import follow_trace

__all__ = ["failed", "follow_trace", "span"]
