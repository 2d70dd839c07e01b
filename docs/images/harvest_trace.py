"""Draw harvest-trace.svg anew: the trace of a harvest, as a collector received it.

uv run python docs/images/harvest_trace.py
"""

import os
import sys
import tempfile
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PICTURE = HERE / "harvest-trace.svg"
# What the tests run a system and take traces with.
sys.path += [
    str(ROOT / "packages" / "contextworker-core" / "tests" / "support"),
    str(ROOT / "tests" / "integration" / "support"),
]

from running_system import System  # noqa: E402 - found by the line before
from trace_collector import Collector, Seen  # noqa: E402 - as above

from contextworker.core.client import WorkerClient  # noqa: E402 - as above
from contextworker.core.testing import TemporalServer  # noqa: E402 - as above
from contextworker.core.tracing.exporting import exporting  # noqa: E402 - as above

_ROW, _NAMES, _BARS = 22, 330, 560
_COLOURS = {
    "shop": "#5c6bc0",
    "contextworker-gateway": "#00897b",
    "contextworker-harvest": "#ef8e19",
}


def harvested(folder: Path) -> list[Seen]:
    """Harvest the example supplier in a system of processes; returns the spans."""
    system = System(
        folder=folder,
        brain_url=f"sqlite:///{folder / 'brain.db'}",
        temporal=TemporalServer(database=folder / "temporal.db"),
    )
    with Collector() as collector:
        os.environ |= collector.environment
        system.temporal.start()
        try:
            system.start_gateway()
            system.start("harvest", "harvest-worker", says="polls harvest-tasks")
            with exporting("shop"), WorkerClient(f"127.0.0.1:{system.port}") as client:
                task = client.start("harvest", supplier_code="camping-trade", tenant_id="acme")
                task.result(timeout=60)
            return collector.wait_for_names(task.unit.trace_id, "RunWorkflow:harvest")
        finally:
            system.close()


def ordered(spans: list[Seen]) -> list[tuple[int, Seen]]:
    """Return each span under what led to it, with its depth."""
    known = {span.span_id for span in spans}
    rows: list[tuple[int, Seen]] = []

    def add(span: Seen, depth: int) -> None:
        rows.append((depth, span))
        for child in sorted(spans, key=lambda one: one.began_at):
            if child.parent_id == span.span_id:
                add(child, depth + 1)

    for span in spans:
        if span.parent_id not in known:
            add(span, 0)
    return rows


def drawn(spans: list[Seen]) -> str:
    """Draw a bar for each span, from its beginning to its end."""
    begins, ends = min(s.began_at for s in spans), max(s.ended_at for s in spans)
    rows = ordered(spans)
    width, height = _NAMES + _BARS + 80, _ROW * (len(rows) + 2)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            'font-family="sans-serif" font-size="12" aria-label="The trace of a harvest: the '
            'caller, the gateway, the workflow, its activities and their calls of the Brain.">'
        ),
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, (service, colour) in enumerate(_COLOURS.items()):
        x = 12 + number * 200
        lines.append(f'<rect x="{x}" y="8" width="10" height="10" fill="{colour}"/>')
        lines.append(f'<text x="{x + 16}" y="17" fill="#333">{escape(service)}</text>')
    for row, (depth, span) in enumerate(rows, 1):
        y = row * _ROW + 8
        left = _NAMES + _BARS * (span.began_at - begins) / (ends - begins)
        size = max(1.5, _BARS * (span.ended_at - span.began_at) / (ends - begins))
        name = span.name.removeprefix("contextworker.WorkerService/")
        took = f"{(span.ended_at - span.began_at) / 1e6:,.0f} ms"
        lines += [
            f'<text x="{12 + depth * 16}" y="{y + 14}" fill="#333">{escape(name)}</text>',
            (
                f'<rect x="{left:.1f}" y="{y + 3}" width="{size:.1f}" height="14" rx="2" '
                f'fill="{_COLOURS[span.service]}"/>'
            ),
            f'<text x="{left + size + 5:.1f}" y="{y + 14}" fill="#777">{took}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(drawn(harvested(Path(folder))))
    print(f"{PICTURE.relative_to(ROOT)} is drawn")
