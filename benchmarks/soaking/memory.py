"""How much memory processes take, looked at again and again."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

PARTS = 5


@dataclass
class Memory:
    """Resident sets by process, in MB, at so many finished runs each."""

    samples: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def part(self, name: str, number: int) -> float:
        """Return the median of a process in one fifth of all runs, the first being 1."""
        total = self.samples[name][-1][0]
        first, last = (total * part / PARTS for part in (number - 1, number))
        return statistics.median(mb for done, mb in self.samples[name] if first <= done <= last)

    def grown(self, name: str) -> float:
        """Return the last fifth as a multiple of the second: the first one is warming up."""
        return self.part(name, PARTS) / self.part(name, 2)


@asynccontextmanager
async def sampled(
    processes: Mapping[str, psutil.Process],
    done: Callable[[], int],
    *,
    every_s: float,
) -> AsyncIterator[Memory]:
    """Look while the block runs."""
    memory = Memory({name: [] for name in processes})

    def look() -> None:
        for name, process in processes.items():
            memory.samples[name].append((done(), process.memory_info().rss / 1e6))

    async def look_often() -> None:
        while True:
            look()
            await asyncio.sleep(every_s)

    looking = asyncio.create_task(look_often())
    try:
        yield memory
    finally:
        looking.cancel()
        look()
