"""Measure what payload encryption costs: `uv run benchmarks/encryption.py`.

- The codec alone: CPU time of one payload encoded and decoded, by its size, beside the converter
  without it.
- Runs of one workflow with one activity, a unit in and out, from start to result, by a worker and a
  client that encrypt beside a worker and a client that do not; and the CPU time that worker and
  client take for one, which a busy machine does not change.

Client, worker and server share the machine. Both sides of a round run on the same server, taking
turns to go first; every round has a server of its own. The tables give medians over five rounds,
and ratios of those medians. `--quick` tries it out: one round, fewer runs.
"""

import argparse
import asyncio
import base64
import secrets
import statistics
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from noop.messages import noop
from noop.workflows import NoopWorkflow
from temporalio.client import Client
from temporalio.converter import DataConverter, WorkflowSerializationContext

from contextcore import ContextUnit
from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.payloads import data_converter
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import RuntimeSettings
from contextworker.core.testing import running, temporal_server

SIZES = {"1 KiB": 1024, "64 KiB": 64 * 1024, "1 MiB": 1024 * 1024}
SIDES = ("plain", "encrypted")
AT_ONCE = 16
GOAL = 0.9


@dataclass
class Figures:
    """What was measured, a figure a round."""

    codec_us: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    runs_per_s: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)


def converters() -> dict[str, DataConverter]:
    """Return the converter of each side."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    settings = RuntimeSettings.model_validate({"encryption_keys": f"bench:{key}"})
    return {"plain": DATA_CONVERTER, "encrypted": data_converter(settings)}


async def codec(figures: Figures, *, seconds: float) -> None:
    """Measure the codec alone."""
    context = WorkflowSerializationContext(namespace="default", workflow_id="noop-acme-1")
    for size, length in SIZES.items():
        unit = ContextUnit(payload={"text": "x" * length})
        for side, converter in converters().items():
            bound = converter.with_context(context)
            times, until = 0, time.perf_counter() + seconds
            began = time.process_time()
            while time.perf_counter() < until:
                await bound.decode(await bound.encode([unit]), [ContextUnit])
                times += 1
            spent = (time.process_time() - began) / times * 1e6
            figures.codec_us.setdefault((size, side), []).append(spent)


async def runs(figures: Figures, *, turn: int, count: int) -> None:
    """Measure runs of both sides on one server."""
    given = converters()
    async with temporal_server() as server:
        for side in (*SIDES[turn % 2 :], *SIDES[: turn % 2]):
            client = await server.connect("noop", data_converter=given[side])
            module = ModuleConfig(name=f"noop-{side}", workflows=[NoopWorkflow], activities=[noop])
            async with running(client, module):
                await _run(client, module, AT_ONCE)  # connections, caches
                began, cpu = time.perf_counter(), time.process_time()
                await _run(client, module, count)
                spent, cpu = time.perf_counter() - began, time.process_time() - cpu
            figures.runs_per_s.setdefault(side, []).append(count / spent)
            figures.cpu_ms.setdefault(side, []).append(cpu / count * 1000)


async def _run(client: Client, module: ModuleConfig, count: int) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with places:
            unit = ContextUnit(payload={"number": number})
            await client.execute_workflow(
                NoopWorkflow.run, unit, id=f"noop-acme-{uuid.uuid4()}", task_queue=module.queue
            )

    await asyncio.gather(*(one(number) for number in range(count)))


def report(figures: Figures) -> None:
    """Print the tables."""
    print("\n| payload | plain, µs | encrypted, µs | difference, µs |\n|---|---|---|---|")
    for size in SIZES:
        plain, sealed = (statistics.median(figures.codec_us[size, side]) for side in SIDES)
        print(f"| {size} | {plain:,.0f} | {sealed:,.0f} | {sealed - plain:,.0f} |")
    print("\n| | plain (min-max) | encrypted (min-max) | ratio |\n|---|---|---|---|")
    _compare("runs per s", figures.runs_per_s)
    _compare("CPU of worker and client for a run, ms", figures.cpu_ms)
    print(f"\nGoal: at least {GOAL} of plain's runs per second.")


def _compare(what: str, measured: dict[str, list[float]]) -> None:
    plain, sealed = (measured[side] for side in SIDES)
    ratio = statistics.median(sealed) / statistics.median(plain)
    print(f"| {what} | {_shown(plain)} | {_shown(sealed)} | {ratio:.2f} |")


def _shown(known: Sequence[float]) -> str:
    return f"{statistics.median(known):.1f} ({min(known):.1f}-{max(known):.1f})"


async def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, fewer runs")
    parser.add_argument("--runs", type=int, default=500, help="of each side in a round")
    given = parser.parse_args()
    quick: bool = given.quick
    figures = Figures()
    for turn in range(1 if quick else 5):
        await codec(figures, seconds=0.1 if quick else 0.5)
        await runs(figures, turn=turn, count=50 if quick else given.runs)
    report(figures)


if __name__ == "__main__":
    asyncio.run(main())
