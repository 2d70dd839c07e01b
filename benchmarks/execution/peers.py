"""What ExecuteCode stands beside: the engine alone, a fresh Python, a container."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic_monty import AsyncMonty

PROGRAM = "1 + 1"
EXPECTED = 2


class WrongResultError(Exception):
    """A peer did not compute what it was asked."""


class Engine:
    """The interpreter in this process's own pool: no gateway, no Temporal, nothing stored."""

    def __init__(self, pool: AsyncMonty) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def open(cls, processes: int) -> AsyncIterator["Engine"]:
        """Keep interpreters warm while the block runs."""
        async with AsyncMonty(min_processes=processes, max_processes=processes) as pool:
            yield cls(pool)

    async def run(self, program: str) -> None:
        """Run a program in a session of its own."""
        async with self._pool.checkout() as session:
            if await session.feed_run(program) != EXPECTED:
                raise WrongResultError


async def fresh_python(program: str) -> None:
    """Run a program in a new process of this interpreter."""
    await _output(sys.executable, "-c", f"print({program})")


async def container(image: str, program: str) -> None:
    """Run a program in a new container."""
    command = ("docker", "run", "--rm", "--network=none", image, "python3", "-c")
    await _output(*command, f"print({program})")


async def _output(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if out.strip() != str(EXPECTED).encode():
        raise WrongResultError
