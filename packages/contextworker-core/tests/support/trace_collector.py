"""A collector of the tests' own: takes OTLP over real gRPC, and keeps the spans."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

SOON_MS = "100"
"""OTEL_BSP_SCHEDULE_DELAY for tests: how long spans wait for others of their batch."""


@dataclass(frozen=True)
class Seen:
    """One span, as it was received."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    """The traces it links to."""
    attributes: dict[str, Any]
    failed_with: str
    began_at: int
    ended_at: int


@dataclass
class Collector(TraceServiceServicer):
    """Listens on loopback while it is entered."""

    port: int = 0
    received: list[Seen] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._server = grpc.server(ThreadPoolExecutor(4))
        add_TraceServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call] # generated
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    @property
    def endpoint(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process send its spans here, soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": SOON_MS,
        }

    def Export(self, request: ExportTraceServiceRequest, context: Any) -> Any:  # noqa: N802 - the proto's
        """Keep what comes."""
        with self._lock:
            self.raw.append(request.SerializeToString())
            self.received += _read(request)
        return ExportTraceServiceResponse()

    def of(self, trace_id: str) -> list[Seen]:
        """Return the spans of a unit's trace."""
        wanted = trace_id.replace("-", "")
        with self._lock:
            return [span for span in self.received if span.trace_id == wanted]

    def wait_for(
        self, trace_id: str, condition: Callable[[list[Seen]], bool], timeout_s: float = 60
    ) -> list[Seen]:
        """Wait until a trace's spans are as they should be."""
        deadline = time.monotonic() + timeout_s
        while not condition(spans := self.of(trace_id)):
            assert time.monotonic() < deadline, tree(spans) or f"no span of {trace_id}"
            time.sleep(0.02)
        return spans

    def wait_for_names(self, trace_id: str, *names: str, timeout_s: float = 60) -> list[Seen]:
        """Wait until a trace has spans of all these names."""
        return self.wait_for(
            trace_id, lambda spans: set(names) <= {span.name for span in spans}, timeout_s
        )


def roots(spans: Sequence[Seen]) -> list[str]:
    """Return the names of the spans that no other of them leads to."""
    known = {span.span_id for span in spans}
    return [span.name for span in spans if span.parent_id not in known]


def tree(spans: Iterable[Seen]) -> str:
    """Draw a trace: each span under what led to it, in the order of their beginnings."""
    ordered = sorted(spans, key=lambda span: (span.began_at, span.name))
    known = {span.span_id for span in ordered}
    lines: list[str] = []

    def draw(span: Seen, depth: int) -> None:
        failed = f"  !{span.failed_with}" if span.failed_with else ""
        lines.append(f"{'  ' * depth}{span.name}  [{span.service}]{failed}")
        for child in ordered:
            if child.parent_id == span.span_id:
                draw(child, depth + 1)

    for span in ordered:
        if span.parent_id not in known:
            draw(span, 0)
    return "\n".join(lines)


def _read(request: ExportTraceServiceRequest) -> Iterable[Seen]:
    for resource in request.resource_spans:
        about = _attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(
                    service=about["service.name"],
                    name=span.name,
                    kind=span.kind,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    links=tuple(link.trace_id.hex() for link in span.links),
                    attributes=_attributes(span.attributes),
                    failed_with=span.status.message if span.status.code == _ERROR else "",
                    began_at=span.start_time_unix_nano,
                    ended_at=span.end_time_unix_nano,
                )


_ERROR = 2


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
