"""The processes of a plan, started in order, watched, and stopped together."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from types import TracebackType
from typing import Self

from contextworker.cli.errors import ChildError
from contextworker.cli.stack.plan import Plan
from contextworker.cli.stack.process import Child, exit_text

READY_WITHIN_S = 60.0
STABLE_S = 60.0
FIRST_DELAY_S = 0.5
MAX_DELAY_S = 30.0


class Event(StrEnum):
    """What happened to a process."""

    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    FAILED = "failed"


Tell = Callable[[Event, Child, str], None]


class Stack(AbstractAsyncContextManager["Stack"]):
    """A local ContextWorker; whatever way its block is left, no process stays.

    `start` and `keep` take a function that is called with every event of a process.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.ready = False
        self._first = [Child(program) for program in plan.first]
        self._rest = [Child(program) for program in plan.rest]

    @property
    def children(self) -> list[Child]:
        """Every process, in starting order."""
        return [*self._first, *self._rest]

    async def __aenter__(self) -> Self:
        """Start nothing yet."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop everything."""
        await self.stop()

    async def start(self, tell: Tell) -> None:
        """Start everything and wait until all of it is ready.

        Raises:
            ChildError: A process ended or did not get ready.
        """
        await self._start_all(self._first, tell)
        await self._start_all(self._rest, tell)
        self.ready = True

    async def watch(self) -> None:
        """Wait until a process ends by itself, and raise what it left.

        Raises:
            ChildError: Always, in the end.
        """
        waits = {asyncio.create_task(child.wait()): child for child in self.children}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        task = done.pop()
        child = waits[task]
        raise child.failure(f"{child.program.name} stopped ({exit_text(task.result())}).")

    async def keep(self, tell: Tell) -> None:
        """Start again every process that ends, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for child in self.children:
                group.create_task(self._keep(child, tell))

    async def stop(self) -> None:
        """Stop everything: those that use Temporal first, so that they can say goodbye to it."""
        try:
            await asyncio.gather(*(child.stop() for child in self._rest))
        finally:
            try:
                await asyncio.gather(*(child.stop() for child in self._first))
            finally:  # a stop that was itself interrupted
                for child in self.children:
                    child.kill()

    async def _start_all(self, children: list[Child], tell: Tell) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for child in children:
                    group.create_task(self._start(child, tell))
        except BaseExceptionGroup as failures:
            # Several may fail at once; one child's last words are what a person can use. (Not
            # `except*`: the first releases of Python 3.11 wrap what is raised there in a group.)
            broken = failures.subgroup(ChildError)
            if broken is None:
                raise
            raise broken.exceptions[0] from None

    async def _start(self, child: Child, tell: Tell) -> None:
        tell(Event.STARTING, child, "")
        await child.start()
        await child.ready(READY_WITHIN_S)
        tell(Event.READY, child, "")

    async def _keep(self, child: Child, tell: Tell) -> None:
        loop = asyncio.get_running_loop()
        deaths = 0
        while True:
            since = loop.time()
            code = await child.wait()
            deaths = 1 if loop.time() - since > STABLE_S else deaths + 1
            delay = min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (deaths - 1))
            tell(Event.DIED, child, f"{exit_text(code)}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            try:
                await self._start(child, tell)
            except ChildError as error:
                tell(Event.FAILED, child, str(error))
                await child.stop()
