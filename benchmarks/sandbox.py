"""Measure the sandbox: `uv run benchmarks/sandbox.py`.

- ExecuteCode of `1 + 1`, one at a time, through gateway, Temporal and worker. Beside: the engine
  called in-process, a fresh `python -c` process, and, with `--docker IMAGE`, `docker run`.
- Executions per second, 16 at once.
- A program that calls a tool: a timer of no length, so that what is measured is a turn more.
- The memory of gateway, and of worker with interpreters, after 1,000 executions and after 10,000.

Server, gateway, worker and load share the machine. All sides are measured in the same round,
taking turns; every round has a server, a gateway and a worker of its own. The table gives medians
over five rounds, and ratios of those medians. `--quick` tries it out: one round, fewer calls.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from execution.peers import EXPECTED, PROGRAM, Engine, container, fresh_python
from execution.system import System, system
from front.load import Load, run

AT_ONCE = 16
EARLY, LATE = 1_000, 10_000
WITH_A_CALL = "import time\ntime.sleep(0)\n1 + 1"
ENGINES = 2
MANY = 100  # from which figures are given without decimals
SYSTEM, ENGINE, PYTHON, DOCKER = "ExecuteCode", "engine", "python -c", "docker run"
CALL = "ExecuteCode, a tool called"

Figures = dict[tuple[str, int], list[Load]]
Run = Callable[[str], Awaitable[object]]


async def _round(it: System, figures: Figures, *, turn: int, calls: int, image: str) -> None:
    async with Engine.open(ENGINES) as engine:
        sides: dict[str, tuple[Run, int]] = {
            SYSTEM: (partial(_expected, it), calls),
            ENGINE: (engine.run, calls * 5),
            PYTHON: (fresh_python, max(calls // 5, 20)),
        }
        if image:
            sides[DOCKER] = (partial(container, image), max(calls // 25, 10))
        for at_once in (1, AT_ONCE):
            names = list(sides)
            for name in (*names[turn % len(names) :], *names[: turn % len(names)]):
                call, count = sides[name]
                programs = [PROGRAM] * (count if at_once == 1 else count * 2)
                load = await run(call, programs, at_once=at_once, cpu_s=it.cpu_s)
                figures.setdefault((name, at_once), []).append(load)
            load = await run(it.execute, [WITH_A_CALL] * calls, at_once=at_once, cpu_s=it.cpu_s)
            figures.setdefault((CALL, at_once), []).append(load)


async def _expected(it: System, program: str) -> None:
    if await it.execute(program) != EXPECTED:
        sys.exit("the sandbox cannot compute")


async def _memory(it: System, *, early: int, late: int) -> list[tuple[float, float]]:
    figures = []
    for count in (early, late - early):
        await run(it.execute, [PROGRAM] * count, at_once=AT_ONCE, cpu_s=it.cpu_s)
        figures.append(it.memory_mb())
    return figures


async def main(*, rounds: int, calls: int, early: int, late: int, image: str) -> None:
    """Print the tables."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        for turn in range(rounds):
            async with system(Path(name)) as it:
                await run(it.execute, [PROGRAM] * 50, at_once=4, cpu_s=it.cpu_s)  # warm
                await _round(it, figures, turn=turn, calls=calls, image=image)
            print(f"round {turn + 1} of {rounds} done", file=sys.stderr)
        async with system(Path(name)) as it:
            memory = await _memory(it, early=early, late=late)
    _print(figures)
    (gateway_early, worker_early), (gateway_late, worker_late) = memory
    print(
        f"\nMemory after {early:,} executions and after {late:,}: worker with interpreters "
        f"{worker_early:.0f} and {worker_late:.0f} MB ({worker_late / worker_early - 1:+.1%}), "
        f"gateway {gateway_early:.0f} and {gateway_late:.0f} MB "
        f"({gateway_late / gateway_early - 1:+.1%}). Goal: within 10 %."
    )


def _print(figures: Figures) -> None:
    print(
        "\n| `1 + 1` by | p50, ms (min-max) | p99, ms (min-max) | p50 beside ExecuteCode "
        f"| {AT_ONCE} at once, per s (min-max) | beside ExecuteCode |\n|---|---|---|---|---|---|"
    )
    base, base_rate = (_median(figures[SYSTEM, 1], "p50_ms"), _rate(figures[SYSTEM, AT_ONCE]))
    for name in (SYSTEM, CALL, ENGINE, PYTHON, DOCKER):
        if (name, 1) not in figures:
            continue
        alone, many = figures[name, 1], figures[name, AT_ONCE]
        print(
            f"| {name} | {_spread(alone, 'p50_ms')} | {_spread(alone, 'p99_ms')} "
            f"| {_median(alone, 'p50_ms') / base:.2f} | {_spread(many, 'per_second')} "
            f"| {_rate(many) / base_rate:.2f} |"
        )
    cpu = (_median(figures[SYSTEM, at_once], "cpu_ms") for at_once in (1, AT_ONCE))
    print(
        "\nCPU of gateway, worker and interpreters for one execution: "
        + ", ".join(f"{ms:.1f} ms" for ms in cpu)
        + f" (one at a time, {AT_ONCE} at once)."
    )


def _median(loads: list[Load], name: str) -> float:
    return float(statistics.median(getattr(load, name) for load in loads))


def _rate(loads: list[Load]) -> float:
    return _median(loads, "per_second")


def _spread(loads: list[Load], name: str) -> str:
    values = [getattr(load, name) for load in loads]
    digits = 0 if min(values) >= MANY else 1
    middle, least, most = (
        f"{it:.{digits}f}" for it in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} ({least}-{most})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the sandbox.")
    parser.add_argument("--quick", action="store_true", help="one round, fewer calls")
    parser.add_argument("--docker", default="", metavar="IMAGE", help="with python3, to be run")
    given = parser.parse_args()
    if given.quick:
        asyncio.run(main(rounds=1, calls=100, early=200, late=1000, image=given.docker))
    else:
        asyncio.run(main(rounds=5, calls=400, early=EARLY, late=LATE, image=given.docker))
