"""Interpreters to break out of, and a second tenant who works beside and notices nothing."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Ended
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.messages import Finished
from contextworker.sandbox.settings import SandboxSettings

# Test files in importlib mode share modules by path alone. (The dash in the folder's name makes
# mypy take it for a root of modules, too.)
sys.path.insert(0, str(Path(__file__).parent / "test-support"))

Beside = Callable[[], AbstractAsyncContextManager[None]]

_WORK = "import json\ntotal = sum(range(n))\njson.loads(json.dumps({'total': total}))['total'] - n"


@pytest.fixture(scope="session")
def secret() -> str:
    """Something that no program may come to know."""
    return "swordfish-2718281828"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def interpreter(secret: str) -> AsyncIterator[Interpreter]:
    """Two interpreter processes, started by a process with a secret in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKER_TOKEN", secret)
        async with Interpreter.open(
            SandboxSettings(processes=2), tools=frozenset({"look", "tell"})
        ) as opened:
            yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def beside(interpreter: Interpreter) -> Beside:
    """Have a second tenant work while something happens; each of its runs must come out right."""

    async def work(happened: asyncio.Event) -> None:
        n = 0
        while n == 0 or not happened.is_set():
            n += 1
            stop = await interpreter.start(_WORK, {"n": n}, tenant_id="steady", limits=DEFAULT)
            assert isinstance(stop, Ended)
            assert Finished(result=n * (n - 1) // 2 - n) == stop.finished

    @asynccontextmanager
    async def working() -> AsyncIterator[None]:
        happened = asyncio.Event()
        steady = asyncio.create_task(work(happened))
        try:
            yield
        finally:
            happened.set()
            async with asyncio.timeout(60):
                await steady

    return working
