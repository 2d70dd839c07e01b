"""Measure what traces cost a gateway: `uv run benchmarks/tracing.py`.

StartWorkflow, 16 at once, with authentication and everything else that benchmarks/gateway.py
describes, through gateways on one Temporal server that take turns: one traces nothing; one exports
each call to a collector on this machine; one keeps a tenth of its traces; one exports to a port
where nobody listens. Medians of five rounds; each round has a server and gateways of its own.
`--quick` tries it out.
"""

import argparse
import asyncio
import statistics
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from front.feed import unit
from front.load import Load, run
from front.system import gateways
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from contextworker.core.testing.server import free_port

AT_ONCE = (16,)
OFF, ON, TENTH, NOBODY = "off", "on", "on, a tenth kept", "on, nobody listens"
Figures = dict[tuple[str, int], list[Load]]


class Collector(TraceServiceServicer):
    """Takes spans, and counts them."""

    def __init__(self) -> None:
        self.spans = 0
        self._lock = threading.Lock()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the proto's
        """Count what comes."""
        found = sum(
            len(scope.spans)
            for resource in request.resource_spans
            for scope in resource.scope_spans
        )
        with self._lock:
            self.spans += found
        return ExportTraceServiceResponse()


async def measure(figures: Figures, *, turn: int, calls: int) -> int:
    """Measure one round; returns how many spans the collector got."""
    collector, server = Collector(), grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call] # generated
    endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    to = "OTEL_EXPORTER_OTLP_ENDPOINT"
    settings: dict[str, dict[str, str]] = {
        OFF: {to: ""},
        ON: {to: endpoint},
        TENTH: {
            to: endpoint,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.1",
        },
        NOBODY: {to: f"http://127.0.0.1:{free_port()}"},
    }
    for variables in settings.values():
        variables["CONTEXTWORKER_GATEWAY_TEMPORAL_TIMEOUT_S"] = (
            "60"  # also where others are at work
        )
    names = [*settings][turn % len(settings) :] + [*settings][: turn % len(settings)]
    with tempfile.TemporaryDirectory() as folder:
        async with gateways(Path(folder), settings) as found:
            for at_once in AT_ONCE:
                for name in names:
                    target = found[name]
                    units = [unit() for _ in range(calls)]
                    load = await run(target.start, units, at_once=at_once, cpu_s=target.cpu_s)
                    figures.setdefault((name, at_once), []).append(load)
    server.stop(None).wait()
    return collector.spans


async def main(*, rounds: int, calls: int) -> None:
    """Print the table."""
    figures: Figures = {}
    spans = [await measure(figures, turn=turn, calls=calls) for turn in range(rounds)]
    print(
        "| at once | traces | per s (min-max) | p50, ms | CPU per call, ms (min-max) |\n"
        "|---|---|---|---|---|"
    )
    for at_once in AT_ONCE:
        for name in (OFF, ON, TENTH, NOBODY):
            loads = figures[name, at_once]
            print(
                f"| {at_once} | {name} | {_spread(loads, 'per_second', 0)} "
                f"| {statistics.median(load.p50_ms for load in loads):.1f} "
                f"| {_spread(loads, 'cpu_ms', 2)} |"
            )
    print(f"\nSpans received in a round: {statistics.median(spans):,.0f}.")


def _spread(loads: Sequence[Load], name: str, digits: int) -> str:
    values = [getattr(load, name) for load in loads]
    middle, least, most = (
        f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} ({least}-{most})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round, fewer calls")
    if parser.parse_args().quick:
        asyncio.run(main(rounds=1, calls=100))
    else:
        asyncio.run(main(rounds=5, calls=1_000))  # so many that spans are sent meanwhile
