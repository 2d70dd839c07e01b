"""Soak the system: `uv run benchmarks/soak.py`.

10,000 workflows of two activities each, through a gateway and two workers, 16 at once; of 200
activities one fails at its first attempt and is tried again. Each caller starts a run by the
project's client and waits for its result, and then starts the next.

Looked at are whether all of them end right, what the processes take of memory (the median of the
last fifth of all runs beside that of the second), and how long a run takes from call to result (the
median of the last tenth beside that of the second). Temporal's dev server is soaked with them: its
part of the time is told apart by asking the server itself, past the gateway.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from soaking.memory import PARTS, Memory, sampled
from soaking.messages import Step
from soaking.system import System, system
from soaking.workflows import STEPS
from temporalio.client import Client

from contextworker.core.client import AsyncWorkerClient

TENTHS = 10
PROBES = 20
"""Of so many runs one is asked for straight from the server, too."""


@dataclass
class Run:
    """One run, from call to result."""

    number: int
    seconds: float
    attempts: int


@dataclass
class Soak:
    """All runs, in the order of their ends."""

    total: int
    seed: int
    one_in: int
    runs: list[Run] = field(default_factory=list)
    describes: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    @property
    def took_s(self) -> float:
        """From the first call to now."""
        return time.perf_counter() - self.began

    @property
    def expected_attempts(self) -> int:
        """What the seed comes to."""
        fail = sum(
            Step(number=run.number, step=step, seed=self.seed, one_in=self.one_in).fails
            for run in self.runs
            for step in range(STEPS)
        )
        return len(self.runs) * STEPS + fail

    async def work(self, it: System, *, at_once: int) -> None:
        """Let so many callers work until every run is done."""
        numbers = iter(range(self.total))
        self.began = time.perf_counter()
        direct = await Client.connect(it.temporal.address)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(self._call(it.address, direct, numbers))

    async def _call(self, address: str, direct: Client, numbers: Iterator[int]) -> None:
        async with AsyncWorkerClient(address, service="benchmarks", timeout=120) as client:
            for number in numbers:
                began = time.perf_counter()
                task = await client.start("soak", number=number, seed=self.seed, one_in=self.one_in)
                result = await task.result(timeout=120)
                self.runs.append(Run(number, time.perf_counter() - began, result["attempts"]))
                if number % PROBES == 0:
                    began = time.perf_counter()
                    await direct.get_workflow_handle(task.workflow_id).describe()
                    self.describes.append(time.perf_counter() - began)

    def tenth_ms(self, number: int) -> float:
        """Return the median of one tenth of the runs, the first being 1."""
        return 1000 * _tenth([run.seconds for run in self.runs], number)

    def describe_ms(self, number: int) -> float:
        """Return the same of the server's own answers."""
        return 1000 * _tenth(self.describes, number)


def _tenth(values: list[float], number: int) -> float:
    size = len(values) / TENTHS
    return statistics.median(values[int(size * (number - 1)) : max(1, int(size * number))])


async def main(*, runs: int, at_once: int, seed: int, one_in: int) -> None:
    """Print the tables."""
    soak = Soak(runs, seed, one_in)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            system(Path(folder)) as it,
            sampled(it.processes, lambda: len(soak.runs), every_s=min(1, runs / 1000)) as memory,
        ):
            working = asyncio.create_task(soak.work(it, at_once=at_once))
            telling = asyncio.create_task(_tell(soak))
            with suppress(asyncio.CancelledError):  # Ctrl-C: what there is by then is told
                await working
            took_s = soak.took_s
            working.cancel()
            telling.cancel()
    attempts = sum(run.attempts for run in soak.runs)
    expected = soak.expected_attempts
    print(
        f"{len(soak.runs):,} of {runs:,} workflows completed, {at_once} at once, in "
        f"{took_s:.0f} s ({len(soak.runs) / took_s:.0f} per s); {attempts:,} attempts "
        f"for {len(soak.runs) * STEPS:,} activities, {expected:,} expected (seed {seed}, 1 in "
        f"{one_in})."
    )
    _print(soak, memory)
    if len(soak.runs) < runs or attempts != expected:
        sys.exit("not all is done, or activities took another number of attempts than expected")


async def _tell(soak: Soak) -> None:
    while True:
        await asyncio.sleep(20)
        print(f"{len(soak.runs):,} of {soak.total:,}", file=sys.stderr)


def _print(soak: Soak, memory: Memory) -> None:
    print("\n| memory, MB | second fifth | last fifth | of it |\n|---|---|---|---|")
    for name in memory.samples:
        print(
            f"| {name} | {memory.part(name, 2):.1f} | {memory.part(name, PARTS):.1f} "
            f"| {memory.grown(name):.3f} |"
        )
    print("\n| median, ms | second tenth | last tenth | of it |\n|---|---|---|---|")
    for name, tenth in (
        ("a run, from call to result", soak.tenth_ms),
        ("a describe by the server itself", soak.describe_ms),
    ):
        print(f"| {name} | {tenth(2):.1f} | {tenth(TENTHS):.1f} | {tenth(TENTHS) / tenth(2):.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Soak the system.")
    parser.add_argument("--runs", type=int, default=10_000, help="workflows (10,000)")
    parser.add_argument("--at-once", type=int, default=16, help="callers (16)")
    parser.add_argument("--seed", type=int, default=1, help="which activities fail (1)")
    parser.add_argument("--one-in", type=int, default=200, help="of so many one fails (200)")
    given = parser.parse_args()
    asyncio.run(main(runs=given.runs, at_once=given.at_once, seed=given.seed, one_in=given.one_in))
