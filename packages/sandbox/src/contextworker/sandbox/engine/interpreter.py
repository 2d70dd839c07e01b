"""Run programs turn by turn, in a warm pool of interpreter processes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from pydantic import JsonValue
from pydantic_monty import (
    AsyncFunctionSnapshot,
    AsyncFutureSnapshot,
    AsyncMonty,
    AsyncMontySession,
    AsyncSnapshot,
    MontyCrashedError,
    MontyError,
)
from pydantic_monty import __version__ as interpreter_version

from contextworker.core.errors import ConfigurationError
from contextworker.sandbox.engine import snapshots
from contextworker.sandbox.engine.answers import result, results
from contextworker.sandbox.engine.driving import Drive
from contextworker.sandbox.engine.errors import limit_exceeded
from contextworker.sandbox.engine.fairness import CrowdedError, Seats
from contextworker.sandbox.engine.printing import Printout
from contextworker.sandbox.engine.processes import Processes
from contextworker.sandbox.engine.snapshots import Program, SnapshotError
from contextworker.sandbox.engine.stops import Asked, NotInTimeError, Printed, Stop
from contextworker.sandbox.engine.turns import GRACE_S, Begin, ended, run_turn
from contextworker.sandbox.engine.values import TooLargeError, measure
from contextworker.sandbox.limits import read_limits
from contextworker.sandbox.messages import Answer, Limits
from contextworker.sandbox.settings import SandboxSettings

_MIB: Final = 1024 * 1024
_LAST_THREAD_S: Final = 0.1


class Interpreter:
    """Interpreter processes, and whose turn it is to use one."""

    def __init__(
        self, pool: AsyncMonty, seats: Seats, processes: Processes, tools: frozenset[str]
    ) -> None:
        self._pool = pool
        self._seats = seats
        self._processes = processes
        self._tools = tools

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: SandboxSettings, *, tools: frozenset[str]
    ) -> AsyncIterator["Interpreter"]:
        """Start the processes, and end them afterwards.

        Args:
            settings: How many there are.
            tools: The names that code may call.

        Raises:
            ConfigurationError: They cannot be started, or the file of limits is wrong.
        """
        limits = read_limits(settings.limits)
        async with AsyncExitStack() as stack:
            # Last of all: the thread that tells of the pool's end holds Python objects a moment
            # longer, and a process that ends before it lets go of them aborts: exit code 134.
            stack.push_async_callback(asyncio.sleep, _LAST_THREAD_S)
            try:
                pool = await stack.enter_async_context(
                    AsyncMonty(
                        min_processes=settings.processes,
                        max_processes=settings.processes,
                        max_checkouts_per_worker=settings.turns_per_process,
                        request_timeout=limits.longest_s + GRACE_S,
                    )
                )
            except (OSError, RuntimeError) as error:
                raise ConfigurationError(f"cannot start interpreter processes: {error}") from None
            processes = Processes(settings.processes)
            yield cls(pool, Seats(settings.processes), processes, tools)

    async def start(
        self,
        code: str,
        inputs: Mapping[str, JsonValue],
        *,
        tenant_id: str,
        limits: Limits,
        within_s: float | None = None,
    ) -> Stop:
        """Run a program from its beginning.

        Raises:
            NotInTimeError: The seconds are over, waiting for a process included.
            CrowdedError: Too many of the tenant's programs wait for a process.
        """
        if len(code.encode()) > limits.code_bytes:
            return ended(limit_exceeded(limits, "code_bytes"))
        try:
            measure(inputs, limits.input_bytes)
        except TooLargeError:
            return ended(limit_exceeded(limits, "input_bytes"))
        program = Program(
            code=code,
            limits=limits,
            memory_bytes=limits.memory_mib * _MIB + secrets.randbelow(_MIB // 16),
        )

        async def begin(session: AsyncMontySession, printout: Printout) -> AsyncSnapshot:
            return await session.feed_start(code, inputs=dict(inputs), print_callback=printout)

        return await self._turn(
            Drive(program, self._tools),
            begin,
            tenant_id=tenant_id,
            output_left=limits.output_bytes,
            within_s=within_s,
        )

    async def resume(
        self,
        snapshot: bytes,
        answer: Answer,
        *,
        tenant_id: str,
        output_left: int,
        within_s: float | None = None,
    ) -> Stop:
        """Run a program on, with the answer to what it asked.

        Raises:
            NotInTimeError: The seconds are over, waiting for a process included.
            CrowdedError: Too many of the tenant's programs wait for a process.
            SnapshotError: This is no snapshot that the interpreter can read.
        """
        suspension, dump = snapshots.read(snapshot)
        program = suspension.program
        try:
            measure(answer.value, program.limits.answer_bytes - suspension.answered_bytes)
        except TooLargeError:
            return ended(limit_exceeded(program.limits, "answer_bytes"))
        if suspension.pending:
            suspension = suspension.answered(answer)
        if call := suspension.asked:
            return Asked(Printed(), call, snapshots.write(suspension, dump))

        async def begin(session: AsyncMontySession, printout: Printout) -> AsyncSnapshot:
            try:
                at = await session.load_snapshot(dump, print_callback=printout)
            except MontyCrashedError:
                raise
            except MontyError as error:
                raise SnapshotError(
                    f"Monty {interpreter_version} cannot read the snapshot, which Monty "
                    f"{suspension.interpreter} wrote: {error}"
                ) from None
            if isinstance(at, AsyncFutureSnapshot):
                return await at.resume(results(suspension))
            if isinstance(at, AsyncFunctionSnapshot):
                return await at.resume(result(answer))
            raise SnapshotError("the snapshot waits for no answer")

        drive = Drive(program, self._tools, {item.id: item.call for item in suspension.unasked})
        return await self._turn(
            drive, begin, tenant_id=tenant_id, output_left=output_left, within_s=within_s
        )

    async def _turn(
        self,
        drive: Drive,
        begin: Begin,
        *,
        tenant_id: str,
        output_left: int,
        within_s: float | None,
    ) -> Stop:
        time = asyncio.timeout(within_s)
        try:
            async with time, self._seats.taken(tenant_id):
                return await run_turn(
                    self._pool, drive, begin, output_left, on_process=self._processes.used
                )
        except TimeoutError:
            if time.expired():
                raise NotInTimeError from None
            raise
        except CrowdedError:
            if within_s is not None:
                raise NotInTimeError from None
            raise
