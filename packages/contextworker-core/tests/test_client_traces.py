"""The spans of a client's calls, made with whatever its host traces by."""

import uuid
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from both_clients import MakeClient
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Tracer
from scripted_gateway import ScriptedGateway, refusal

from contextcore import ContextUnit
from contextworker.core.client import NotFoundError

STARTED = {
    "workflow_id": "harvest-acme-camp",
    "run_id": "1",
    "status": "started",
    "workflow_type": "harvest",
    "task_queue": "harvest-tasks",
}
OPEN, DONE = ({"workflow_id": "w", "run_id": "1", "status": s} for s in ("running", "completed"))


class Ids(RandomIdGenerator):
    """As the SDK makes them; but one in 64 of those could be a unit's, which the client follows."""

    def generate_trace_id(self) -> int:
        """Return one that is no UUIDv4."""
        return super().generate_trace_id() & ~(0xF << 76)  # where a UUID says its version


class Host:
    """A service that traces by OpenTelemetry's SDK, with its finished spans."""

    def __init__(self) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False, id_generator=Ids())
        self._spans = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.tracer = self.provider.get_tracer("shop")

    @property
    def calls(self) -> list[ReadableSpan]:
        """The client's spans."""
        return [span for span in self._spans.get_finished_spans() if "/" in span.name]

    @property
    def call(self) -> ReadableSpan:
        """The client's only span."""
        [span] = self.calls
        return span


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """The process that the client is in, as it were: it set a provider."""
    host = Host()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: host.provider)
    yield host
    host.provider.shutdown()


def number(trace_id: str) -> int:
    """Return a unit's trace as OpenTelemetry counts it."""
    return uuid.UUID(trace_id).int


def context_of(span: ReadableSpan) -> trace.SpanContext:
    """Return a finished span's context, which it has."""
    context = span.get_span_context()
    assert isinstance(context, trace.SpanContext)
    return context


def test_a_call_begins_the_trace_of_its_unit(
    client: Any, scripted: ScriptedGateway, host: Host
) -> None:
    """The service's own trace goes on beside it: the two are linked."""
    scripted.answers = [STARTED]

    with host.tracer.start_as_current_span("order") as order:
        task = client.start("harvest", supplier_code="camp", tenant_id="acme")

    span, [asked] = host.call, scripted.asked
    assert number(task.unit.trace_id) == context_of(span).trace_id
    assert (None, [order.get_span_context()]) == (span.parent, [one.context for one in span.links])
    assert order.get_span_context().trace_id != context_of(span).trace_id
    assert asked.metadata["traceparent"].split("-")[1:3] == [
        task.unit.trace_id.replace("-", ""),
        f"{context_of(span).span_id:016x}",
    ]
    assert {
        "rpc.system": "grpc",
        "rpc.service": "contextworker.WorkerService",
        "rpc.method": "StartWorkflow",
        "rpc.grpc.status_code": 0,
        "server.address": scripted.address.rpartition(":")[0],
        "server.port": int(scripted.address.rpartition(":")[2]),
        "contextworker.workflow_type": "harvest",
    } == span.attributes


def test_a_call_inside_its_units_trace_is_part_of_what_is_in_hand(
    client: Any, scripted: ScriptedGateway, host: Host
) -> None:
    """So is one whose unit the client makes, as within an activity of that unit."""
    scripted.answers = [STARTED, STARTED]
    unit = ContextUnit(payload={"workflow_type": "harvest"})
    outer = trace.NonRecordingSpan(
        trace.SpanContext(number(unit.trace_id), 7, is_remote=True, trace_flags=trace.TraceFlags(1))
    )

    with trace.use_span(outer):
        client.start(unit)
        client.start("harvest")

    assert [outer.get_span_context()] * 2 == [span.parent for span in host.calls]
    assert {unit.trace_id} == {asked.unit.trace_id for asked in scripted.asked}


def test_a_host_that_traces_nothing_has_no_spans(client: Any, scripted: ScriptedGateway) -> None:
    """Nothing is made, and nothing is sent."""
    scripted.answers = [STARTED]

    client.start("harvest")

    assert "traceparent" not in scripted.asked[0].metadata


def test_a_call_that_is_made_again_is_one_span(
    make_client: MakeClient, scripted: ScriptedGateway, host: Host
) -> None:
    """Each attempt carries the same."""
    scripted.answers = [refusal(grpc.StatusCode.UNAVAILABLE, "AWAY"), STARTED]

    make_client(scripted.address).start("harvest")

    assert 1 == len(host.calls)
    assert 1 == len({asked.metadata["traceparent"] for asked in scripted.asked})
    assert 2 == len(scripted.asked)


def test_a_call_that_fails_says_with_what(
    client: Any, scripted: ScriptedGateway, host: Host
) -> None:
    """By its type and code: a message may hold values."""
    scripted.answers = [
        refusal(grpc.StatusCode.NOT_FOUND, "UNKNOWN_WORKFLOW_TYPE", "there is no s3cret")
    ]

    with pytest.raises(NotFoundError):
        client.start("harvest")

    span = host.call
    assert (trace.StatusCode.ERROR, "UnknownWorkflowTypeError") == (
        span.status.status_code,
        span.status.description,
    )
    assert span.attributes is not None
    assert grpc.StatusCode.NOT_FOUND.value[0] == span.attributes["rpc.grpc.status_code"]
    assert "s3cret" not in span.to_json()


def test_a_task_that_is_followed_is_one_span(
    client: Any, scripted: ScriptedGateway, host: Host
) -> None:
    """However much it is told."""
    scripted.answers = [[OPEN, DONE]]

    assert ["running", "completed"] == [status.status for status in client.watch("w")]

    assert ["contextworker.WorkerService/WatchTask"] == [span.name for span in host.calls]


def test_a_tracer_that_lets_nobody_choose_the_trace(
    client: Any, scripted: ScriptedGateway, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its spans stay in its own traces; the unit's begins at the gateway."""

    class Closed(trace.TracerProvider):
        def get_tracer(self, *arguments: Any, **options: Any) -> Tracer:
            inner = host.provider.get_tracer("closed")

            class Own(Tracer):
                def start_span(self, *arguments: Any, **options: Any) -> Any:
                    return inner.start_span(*arguments, **options)

                start_as_current_span: Any = None

            return Own()

    closed = Closed()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: closed)
    scripted.answers = [STARTED]

    task = client.start("harvest")

    assert number(task.unit.trace_id) != context_of(host.call).trace_id
    assert "traceparent" not in scripted.asked[0].metadata
