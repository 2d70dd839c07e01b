"""What turns the export of traces on, which are kept, and what a silent collector does: nothing."""

import logging
import socket
import sys
import time
import uuid
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import SpanContext, TraceFlags
from trace_collector import SOON_MS, Collector, roots

from contextworker.core.errors import ConfigurationError
from contextworker.core.testing.server import free_port
from contextworker.core.tracing import span
from contextworker.core.tracing.exporting import exporting
from contextworker.core.tracing.headers import current_header
from contextworker.core.tracing.holding import MOST, Holding
from contextworker.core.tracing.interceptor import interceptors
from contextworker.core.tracing.sampling import RatioSampler, sampler
from contextworker.core.tracing.settings import TracingSettings
from contextworker.core.tracing.tracer import find_tracer, start
from contextworker.core.tracing.units import within


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no more spans of a batch, and as long for a collector as a busy machine needs."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", SOON_MS)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
    monkeypatch.setattr("contextworker.core.tracing.exporting.FLUSH_S", 60)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that this process exports to."""
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        yield collector


def part_of(trace_id: str) -> SpanContext:
    """Return what leads here from elsewhere, in a unit's trace."""
    return SpanContext(uuid.UUID(trace_id).int, 7, is_remote=True, trace_flags=TraceFlags(1))


def activity(trace_id: str) -> trace.Span:
    """Start what a worker starts for an activity of a unit's."""
    tracer = find_tracer()
    assert tracer is not None
    return start(tracer, "RunActivity:a", context=within(part_of(trace_id)))


def test_nothing_is_traced_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No interceptor, no tracer, no header, and a span is one constant that notes nothing."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.setenv(name, "")

    with exporting("tests"), span("brain.ping") as inner:
        assert ([], None, None) == (interceptors(), find_tracer(), current_header())
        assert trace.INVALID_SPAN is inner


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"OTEL_SDK_DISABLED": "true"}, id="disabled"),
        pytest.param({"OTEL_TRACES_EXPORTER": "none"}, id="none"),
    ],
)
def test_what_turns_it_off_wins(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """As OpenTelemetry has it."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with exporting("tests"):
        assert find_tracer() is None


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        pytest.param("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "http://", id="address"),
        pytest.param("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://[x", "http://", id="broken"),
        pytest.param("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "gRPC only", id="protocol"),
        pytest.param("OTEL_TRACES_SAMPLER", "sometimes", "traceidratio", id="sampler"),
        pytest.param("OTEL_TRACES_SAMPLER_ARG", "2", "less than or equal to 1", id="ratio"),
        pytest.param("OTEL_TRACES_EXPORTER", "zipkin", "'otlp'", id="exporter"),
        pytest.param("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/ca.pem", "is no file", id="file"),
    ],
)
def test_a_setting_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    """It is said by its name, with what it could be."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError) as caught, exporting("tests"):
        pass

    assert str(caught.value).startswith(f"{variable}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", id="timeout"),
        pytest.param("OTEL_EXPORTER_OTLP_COMPRESSION", "zip", id="compression"),
        pytest.param("OTEL_BSP_MAX_QUEUE_SIZE", "-1", id="queue"),
    ],
)
def test_a_setting_of_the_sdks_own_that_cannot_be(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """It is a sentence, no traceback."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match="OpenTelemetry cannot use"), exporting("tests"):
        pass


def test_without_the_extra(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install, or how to do without."""
    monkeypatch.setitem(sys.modules, "contextworker.core.tracing.provider", None)

    with pytest.raises(ConfigurationError) as caught, exporting("tests"):
        pass

    assert (
        f"traces are to go to {collector.endpoint}, but what exports them is not installed: "
        "install contextworker-core[otlp], or set OTEL_SDK_DISABLED=true"
    ) == str(caught.value)


def test_what_is_inside_goes_out_with_it(collector: Collector) -> None:
    """A killed attempt must not leave its parts behind: they wait for its end."""
    lost, done, other = (str(uuid.uuid4()) for _ in range(3))

    with exporting("tests", "1.2"):
        for trace_id in (lost, done):
            attempt = activity(trace_id)
            with trace.use_span(attempt), span("brain.ping", {"db.system.name": "sqlite"}):
                pass
            if trace_id is done:
                attempt.end()
        activity(other).end()

    assert [] == collector.of(lost)
    assert ["RunActivity:a"] == roots(collector.of(done))
    assert ["brain.ping", "RunActivity:a"] == [span.name for span in collector.of(done)]
    assert 1 == len(collector.of(other))


def test_what_is_held_is_bounded(collector: Collector) -> None:
    """An attempt that lasts, and does much, does not fill the memory."""
    trace_id = str(uuid.uuid4())

    with exporting("tests"), trace.use_span(activity(trace_id)):
        for _ in range(MOST + 3):
            with span("brain.ping"):
                pass

    assert 3 == len(collector.of(trace_id))


def test_what_is_held_is_bounded_for_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of attempts at once do not fill the memory either; what has ended makes room."""
    monkeypatch.setattr("contextworker.core.tracing.holding.MOST_IN_ALL", 3)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(Holding(SimpleSpanProcessor(exporter)))
    tracer = provider.get_tracer("tests")

    def work(attempt: trace.Span) -> int:
        """Do two things inside of an attempt; returns how many spans have gone out by then."""
        for _ in range(2):
            tracer.start_span("inside", trace.set_span_in_context(attempt)).end()
        return len(exporter.get_finished_spans())

    first, second, third = (tracer.start_span("attempt") for _ in range(3))
    assert [0, 1] == [work(first), work(second)]
    first.end()
    assert 4 == work(third)
    second.end()
    third.end()
    assert 9 == len(exporter.get_finished_spans())


def test_a_service_is_named_by_its_environment(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OTEL_SERVICE_NAME wins over the process's own; resource attributes come along."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging")
    trace_id = str(uuid.uuid4())

    with exporting("tests"):
        activity(trace_id).end()

    assert ["mine"] == [span.service for span in collector.of(trace_id)]
    assert any(b"staging" in raw for raw in collector.raw)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, and again when somebody does; nothing waits for it."""
    port, trace_id = free_port(), str(uuid.uuid4())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    # Shorter than the SDK's first pause, so that it gives a batch up at once.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.75")

    def told() -> list[str]:
        # Not their `message`: a record is here before the thread that logs it has written that.
        return [told for record in caplog.records if "traces" in (told := record.getMessage())]

    def send_until(number: int) -> None:
        deadline = time.monotonic() + 60
        while len(told()) < number:
            activity(trace_id).end()
            time.sleep(0.02)
            assert time.monotonic() < deadline, told()

    with caplog.at_level(logging.INFO), exporting("tests"):
        send_until(2)
        deadline = time.monotonic() + 1  # some more batches, of which nothing is said
        while time.monotonic() < deadline:
            activity(trace_id).end()
            time.sleep(0.02)
        with Collector(port=port) as collector:
            send_until(3)
            assert collector.of(trace_id)
            begins, away, again = told()[:3]  # a busy machine may miss its time once more

    assert f"traces go to http://127.0.0.1:{port}" == begins
    assert away.startswith(f"traces cannot be exported to http://127.0.0.1:{port} (")
    assert away.endswith("): they are lost until it takes them; nothing else is affected")
    assert again.startswith(f"traces go to http://127.0.0.1:{port} again; ")


@pytest.mark.timeout(25)  # OpenTelemetry's own bound is 30 s
def test_a_collector_that_never_answers_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The process ends, within its bound, with what it could not send."""
    monkeypatch.setattr("contextworker.core.tracing.exporting.FLUSH_S", 0.2)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")  # longer than the test may take
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv(
            "OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}"
        )
        with exporting("tests"):
            activity(str(uuid.uuid4())).end()

    assert find_tracer() is None


def decide(one: Sampler, trace_id: int, parent: Context | None = None) -> bool:
    """Ask a sampler whether it keeps a trace."""
    return one.should_sample(parent, trace_id, "").decision is Decision.RECORD_AND_SAMPLE


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_share_of_units_is_kept(ratio: float) -> None:
    """Of UUIDv4s, whose bits are not all random: each process keeps the same ones."""
    traces = [uuid.uuid4().int for _ in range(4000)]
    ours = RatioSampler(ratio)

    kept = [one for one in traces if decide(ours, one)]

    assert ratio * 4000 == pytest.approx(len(kept), abs=200)
    assert all(decide(RatioSampler(ratio), one) for one in kept)


def test_the_callers_decision_holds_where_the_sampler_says_so() -> None:
    """parentbased_traceidratio asks the caller first; traceidratio never does."""
    unsampled = SpanContext(uuid.uuid4().int, 7, is_remote=True, trace_flags=TraceFlags(0))
    decided = {}
    for name in ("parentbased_traceidratio", "traceidratio", "parentbased_always_on"):
        one = sampler(TracingSettings(traces_sampler=name, traces_sampler_arg=1.0))
        decided[name] = decide(one, unsampled.trace_id, within(unsampled))

    assert {
        "parentbased_traceidratio": False,
        "traceidratio": True,
        "parentbased_always_on": False,
    } == decided
