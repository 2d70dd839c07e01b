"""A process that is measured."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import psutil


@asynccontextmanager
async def running(environment: Mapping[str, str], module: str) -> AsyncIterator[psutil.Process]:
    """Run a module as a program while the block runs."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=environment)
    try:
        yield psutil.Process(process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
