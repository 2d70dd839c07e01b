"""Measure how a module's workers scale out: `uv run benchmarks/scale_out.py`.

A backlog of workflows that do nothing (one activity each) is started while no worker runs; then 1,
2 or 4 worker processes are spawned and drain it. Each number of workers is measured for the module
and for the same code on temporalio alone, in the same round, on the same server. The folders `noop`
and `plain` hold the two.

- per second: workflows completed between 20 % and 95 % of the backlog, when every worker is up.
- drain: from spawning the workers to the last workflow's end.
- CPU: of the workers, per workflow, over those same workflows. On a machine whose cores the server
  shares, this is the figure that tells what a worker costs.
- memory: resident set of one worker at the end.

The table gives medians over the rounds. `--quick` tries it out: one round, a small backlog.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from noop.module import module
from plain.messages import QUEUE, Request
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.testing import TemporalServer, temporal_server
from contextworker.core.worker import shared_modules

HERE = Path(__file__).parent
STARTS_AT_ONCE = 32
SAMPLE_EVERY_S = 0.2
FROM, TO = 0.20, 0.95
GOAL = 0.9


@dataclass(frozen=True)
class Side:
    """One of the two that are compared."""

    name: str
    package: str
    queue: str
    client: Client

    def request(self, number: int) -> Any:
        """Make what one workflow is asked."""
        request = Request("noop", "default", number)
        if self.queue == QUEUE:
            return request
        return ContextUnit(payload=asdict(request), provenance=["benchmark:trigger"])


@dataclass(frozen=True)
class Sample:
    """How far the workers were at one moment, and what they had used by then."""

    at_s: float
    closed: int
    cpu_s: float


@dataclass(frozen=True)
class Figure:
    """One backlog drained."""

    per_second: float
    drain_s: float
    cpu_ms: float
    memory_mb: float


async def measure(side: Side, server: TemporalServer, *, workers: int, backlog: int) -> Figure:
    """Drain a backlog, and look at the part of it that every worker was there for."""
    samples, memory_mb = await drain(side, server, workers=workers, backlog=backlog)
    first = next(sample for sample in samples if sample.closed >= FROM * backlog)
    last = next(sample for sample in samples if sample.closed >= TO * backlog)
    done = last.closed - first.closed
    return Figure(
        per_second=done / (last.at_s - first.at_s),
        drain_s=samples[-1].at_s,
        cpu_ms=(last.cpu_s - first.cpu_s) / done * 1000,
        memory_mb=memory_mb,
    )


async def drain(
    side: Side, server: TemporalServer, *, workers: int, backlog: int
) -> tuple[list[Sample], float]:
    """Start a backlog, then the workers; return what was seen, and a worker's memory at the end."""
    prefix = f"{side.name}-{time.monotonic_ns()}"
    await _start(side, prefix, backlog)
    begun = time.perf_counter()
    samples: list[Sample] = []
    async with AsyncExitStack() as stack:
        processes = [await _spawn(stack, side, server) for _ in range(workers)]
        while not samples or samples[-1].closed < backlog:
            await asyncio.sleep(SAMPLE_EVERY_S)
            if any(process.status() == psutil.STATUS_ZOMBIE for process in processes):
                sys.exit(f"a worker of {side.name} ended")
            closed = await side.client.count_workflows(
                f"WorkflowId STARTS_WITH '{prefix}' AND ExecutionStatus = 'Completed'"
            )
            cpu = sum(sum(process.cpu_times()[:2]) for process in processes)
            samples.append(Sample(time.perf_counter() - begun, closed.count, cpu))
        memory = statistics.mean(process.memory_info().rss for process in processes) / 1e6
    return samples, memory


async def _start(side: Side, prefix: str, backlog: int) -> None:
    slots = asyncio.Semaphore(STARTS_AT_ONCE)

    async def one(number: int) -> None:
        async with slots:
            await side.client.start_workflow(
                "noop", side.request(number), id=f"{prefix}-{number}", task_queue=side.queue
            )

    await asyncio.gather(*(one(number) for number in range(backlog)))


async def _spawn(stack: AsyncExitStack, side: Side, server: TemporalServer) -> psutil.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        side.package,
        cwd=HERE,
        env={**os.environ, **server.environment, "CONTEXTWORKER_LOG_LEVEL": "WARNING"},
    )

    async def end() -> None:
        if process.returncode is None:
            # Not killed: the server may hand the next backlog's first tasks to a dead one's polls.
            process.terminate()
        await process.wait()

    stack.push_async_callback(end)
    return psutil.Process(process.pid)


async def main(workers: Sequence[int], *, rounds: int, backlog: int) -> None:
    """Print the table."""
    figures: dict[tuple[int, str], list[Figure]] = {}
    for turn in range(rounds):
        # A server of each round's own: an older one counts the closed workflows ever more slowly.
        async with temporal_server() as server:
            for count, side, figure in await _round(server, workers, turn=turn, backlog=backlog):
                figures.setdefault((count, side.name), []).append(figure)
        print(f"round {turn + 1} of {rounds} done", file=sys.stderr)
    print(
        "| workers | plain, per s (min-max) | module, per s (min-max) | ratio "
        f"| drain of {backlog:,}, s | ratio | CPU per workflow, ms | ratio | memory, MB | ratio |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    for count in workers:
        print(_row(count, figures[count, "plain"], figures[count, "module"]))
    print(f"\nGoal: at least {GOAL} of plain temporalio's workflows per second.")


async def _round(
    server: TemporalServer, workers: Sequence[int], *, turn: int, backlog: int
) -> list[tuple[int, Side, Figure]]:
    sides = (
        Side("plain", "plain", QUEUE, await Client.connect(server.address)),
        Side("module", "noop", module.queue, await server.connect(*shared_modules([module]))),
    )
    for side in sides:  # compiles bytecode, and makes the module's version the current one
        await drain(side, server, workers=1, backlog=20)
    return [
        (count, side, await measure(side, server, workers=count, backlog=backlog))
        for count in workers
        # Whoever goes first in a round goes second in the next.
        for side in (sides if turn % 2 == 0 else sides[::-1])
    ]


def _row(count: int, plain: list[Figure], ours: list[Figure]) -> str:
    def pair(name: str, digits: int) -> str:
        one, other = _median(plain, name), _median(ours, name)
        return f"{one:.{digits}f} / {other:.{digits}f} | {other / one:.2f}"

    ratio = _median(ours, "per_second") / _median(plain, "per_second")
    return (
        f"| {count} | {_spread(plain)} | {_spread(ours)} | {ratio:.2f} "
        f"| {pair('drain_s', 1)} | {pair('cpu_ms', 1)} | {pair('memory_mb', 0)} |"
    )


def _median(figures: list[Figure], name: str) -> float:
    return float(statistics.median(getattr(figure, name) for figure in figures))


def _spread(figures: list[Figure]) -> str:
    rates = [figure.per_second for figure in figures]
    return f"{statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure how a module's workers scale out.")
    parser.add_argument("--quick", action="store_true", help="one round, a small backlog")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], metavar="COUNT")
    arguments = parser.parse_args()
    asyncio.run(
        main(
            arguments.workers,
            rounds=1 if arguments.quick else 5,
            backlog=300 if arguments.quick else 1000,
        )
    )
