"""A service that traces by OpenTelemetry's SDK, as any does, and calls the gateway.

Prints the trace of its own, the unit's, and the task's workflow id.
"""

import json
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from contextworker.core.client import WorkerClient

ADDRESS, PAYLOAD = sys.argv[1], json.loads(sys.argv[2])


class Ids(RandomIdGenerator):
    """As the SDK makes them; but one in 64 of those could be a unit's, which the client follows."""

    def generate_trace_id(self) -> int:
        """Return one that is no UUIDv4."""
        return super().generate_trace_id() & ~(0xF << 76)  # where a UUID says its version


provider = TracerProvider(id_generator=Ids(), resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

with (
    WorkerClient(ADDRESS, service="commerce") as client,
    trace.get_tracer("shop").start_as_current_span("order") as ambient,
):
    task = client.start(PAYLOAD.pop("workflow_type"), PAYLOAD)
print(  # noqa: T201 - what the test reads
    json.dumps(
        {
            "own": f"{ambient.get_span_context().trace_id:032x}",
            "unit": task.unit.trace_id,
            "unit_id": task.unit.unit_id,
            "workflow_id": task.workflow_id,
        }
    )
)
provider.shutdown()
