"""A load: so many calls, so many of them at once."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Load:
    """What a load came to."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """Of the process between, per call."""


async def run(
    call: Callable[[T], Awaitable[object]],
    arguments: Sequence[T],
    *,
    at_once: int,
    cpu_s: Callable[[], float],
) -> Load:
    """Make one call per argument."""
    waiting = iter(arguments)
    latencies: list[float] = []

    async def caller() -> None:
        for argument in waiting:
            begun = time.perf_counter()
            await call(argument)
            latencies.append(time.perf_counter() - begun)

    cpu, begun = cpu_s(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    took = time.perf_counter() - begun
    percentiles = statistics.quantiles(latencies, n=100)
    return Load(
        per_second=len(arguments) / took,
        p50_ms=percentiles[49] * 1000,
        p99_ms=percentiles[98] * 1000,
        cpu_ms=(cpu_s() - cpu) / len(arguments) * 1000,
    )
