"""Measure the gateway and the codec: `uv run benchmarks/gateway.py`.

- StartWorkflow through one gateway, with authentication (a signed token), the payload checked
  against its route's JSON Schema, and exactly-once; beside temporalio's client starting the same
  workflow with the same unit.
- GetTaskStatus of runs that wait for a worker, beside temporalio's `describe`.
- a bare hop in the gateway's place, which does none of that: what gRPC and a process between cost.
- the codec, beside google.protobuf's `json_format`.
- the gateway's memory after 10,000 calls and after 100,000: starts, starts sent again, statuses and
  refusals.

Server, gateway and load share the machine. All sides are measured in the same round, on the same
server, taking turns; every round has a server and a gateway of its own. The tables give medians
over five rounds, and ratios of those medians. `--quick` tries it out: one round, fewer calls.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import grpc
from front import codec
from front.feed import WORKFLOW_TYPE, unit
from front.load import Load, run
from front.system import Fronted, Raw, System, system

from contextcore import ContextUnit

AT_ONCE = (1, 16, 64)
KINDS = ("start", "status")
SIDES = ("raw", "hop", "gateway")
GOALS = {"start": 0.9, "status": 0.8}
CODEC_GOAL = 5
EARLY, LATE = 10_000, 100_000
MEMORY_CALLERS = 16

Figures = dict[tuple[str, int, str], list[Load]]


async def measure(it: System, figures: Figures, *, turn: int, calls: int) -> None:
    """Measure one round of everything but memory."""
    targets: dict[str, Raw | Fronted] = {"raw": it.raw, "hop": it.hop, "gateway": it.fronted}
    runs = [await it.fronted.start(unit()) for _ in range(50)]
    for kind in KINDS:
        for at_once in AT_ONCE:
            count = calls if at_once > 1 else calls // 2
            # Whoever goes first in a round goes later in the next.
            for side in (*SIDES[turn % 3 :], *SIDES[: turn % 3]):
                target = targets[side]
                if kind == "start":
                    units = [unit() for _ in range(count)]
                    load = await run(target.start, units, at_once=at_once, cpu_s=target.cpu_s)
                else:
                    ids = [runs[number % len(runs)] for number in range(count)]
                    load = await run(target.status, ids, at_once=at_once, cpu_s=target.cpu_s)
                figures.setdefault((kind, at_once, side), []).append(load)


async def memory(it: System, *, early: int, late: int) -> tuple[float, float]:
    """Return the gateway's resident set after some calls, and after many more."""
    known = unit()
    workflow_id = await it.fronted.start(known)
    refused = ContextUnit(payload={"workflow_type": WORKFLOW_TYPE, "items": "none"})

    async def call(number: int) -> None:
        match number % 10:
            case 0:
                await it.fronted.start(unit())
            case 1:
                await it.fronted.start(known)
            case 2:
                await _refused(it.fronted, refused)
            case _:
                await it.fronted.status(workflow_id)

    async def calls(numbers: range) -> float:
        await run(call, numbers, at_once=MEMORY_CALLERS, cpu_s=it.fronted.cpu_s)
        return it.fronted.memory_mb()

    return await calls(range(early)), await calls(range(early, late))


async def _refused(fronted: Fronted, request: ContextUnit) -> None:
    try:
        await fronted.ask("StartWorkflow", request)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
            return
        raise
    sys.exit("the gateway took a payload that does not fit its schema")


async def main(*, rounds: int, calls: int, early: int, late: int) -> None:
    """Print the tables."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        for turn in range(rounds):
            async with system(Path(name)) as it:
                await measure(it, figures, turn=turn, calls=calls)
            print(f"round {turn + 1} of {rounds} done", file=sys.stderr)
        async with system(Path(name)) as it:
            after_early, after_late = await memory(it, early=early, late=late)
    for kind in KINDS:
        _print_rates(kind, figures)
    _print_added(figures["start", 1, "raw"], figures["start", 1, "gateway"])
    _print_codec(rounds)
    print(
        f"\nGateway memory: {after_early:.0f} MB after {early:,} calls, {after_late:.0f} MB after "
        f"{late:,}: {after_late / after_early - 1:+.1%} (goal: at most +10 %)."
    )


def _print_rates(kind: str, figures: Figures) -> None:
    ours, theirs = {
        "start": ("StartWorkflow", "temporalio start_workflow"),
        "status": ("GetTaskStatus", "temporalio describe"),
    }[kind]
    print(
        f"\n| at once | {theirs}, per s (min-max) | bare hop, per s | {ours}, per s (min-max) "
        "| ratio: hop | gateway | p50, ms | p99, ms | CPU per call, ms: hop / gateway |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for at_once in AT_ONCE:
        raw, hop, gateway = (figures[kind, at_once, side] for side in SIDES)
        ratios = (_median(it, "per_second") / _median(raw, "per_second") for it in (hop, gateway))
        latencies = (
            " / ".join(f"{_median(it, name):.1f}" for it in (raw, hop, gateway))
            for name in ("p50_ms", "p99_ms")
        )
        print(
            f"| {at_once} | {_spread(raw)} | {_median(hop, 'per_second'):.0f} | {_spread(gateway)} "
            f"| {' | '.join(f'{ratio:.2f}' for ratio in ratios)} | {' | '.join(latencies)} "
            f"| {_median(hop, 'cpu_ms'):.2f} / {_median(gateway, 'cpu_ms'):.2f} |"
        )
    print(f"\nGoal: at least {GOALS[kind]} of temporalio's at 16 and 64 at once.")


def _print_added(raw: Sequence[Load], gateway: Sequence[Load]) -> None:
    p50, p99 = (_median(gateway, name) - _median(raw, name) for name in ("p50_ms", "p99_ms"))
    print(
        f"\nOne start at a time: p50 {p50:+.2f} ms, p99 {p99:+.2f} ms "
        "(goals: at most +1 ms and +5 ms)."
    )


def _print_codec(rounds: int) -> None:
    print(
        "\n| payload | encode, µs: json_format / codec | decode, µs: json_format / codec "
        "| both, times faster |\n|---|---|---|---|"
    )
    for figure in codec.measure(rounds):
        print(
            f"| {figure.size // 1000} KB | {figure.peer_encode_us:.0f} / {figure.encode_us:.0f} "
            f"| {figure.peer_decode_us:.0f} / {figure.decode_us:.0f} | {figure.ratio:.1f} |"
        )
    part = "with" if codec.IS_COMPILED else "WITHOUT"
    print(f"\nGoal: at least {CODEC_GOAL} times faster. Measured {part} the compiled part.")


def _median(loads: Sequence[Load], name: str) -> float:
    return float(statistics.median(getattr(load, name) for load in loads))


def _spread(loads: Sequence[Load]) -> str:
    rates = [load.per_second for load in loads]
    return f"{statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the gateway and the codec.")
    parser.add_argument("--quick", action="store_true", help="one round, fewer calls")
    if parser.parse_args().quick:
        asyncio.run(main(rounds=1, calls=500, early=500, late=2000))
    else:
        asyncio.run(main(rounds=5, calls=1500, early=EARLY, late=LATE))
