"""Run programs turn by turn, in a warm pool of interpreter processes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, get_args

from pydantic import JsonValue
from pydantic_monty import (
    AsyncFunctionSnapshot,
    AsyncFutureSnapshot,
    AsyncMonty,
    AsyncMontySession,
    AsyncSnapshot,
    ExcType,
    ExternalSettledResult,
    MontyCrashedError,
    MontyError,
    OSPolicy,
    ResourceLimits,
)

from contextcore import UnitError
from contextworker.sandbox.engine import snapshots
from contextworker.sandbox.engine.confinement import confine
from contextworker.sandbox.engine.driving import Drive, Value, Waiting
from contextworker.sandbox.engine.errors import Failure, failure, limit_exceeded
from contextworker.sandbox.engine.fairness import Seats
from contextworker.sandbox.engine.printing import Printout
from contextworker.sandbox.engine.snapshots import Program, SnapshotError, Suspension
from contextworker.sandbox.engine.stops import Asked, Ended, NotInTimeError, Printed, Stop
from contextworker.sandbox.engine.values import TooLargeError, measure, shown, travelling
from contextworker.sandbox.limits import read_limits
from contextworker.sandbox.messages import Answer, Finished, Limits
from contextworker.sandbox.settings import SandboxSettings

_MIB: Final = 1024 * 1024
_GRACE_S: Final = 5
"""How much longer than its time a process may take to end code itself, before it is killed."""

_LAST_THREAD_S: Final = 0.1

_POLICY: Final[OSPolicy] = {"sleep": "call_host"}
_EXCEPTIONS: Final = frozenset(get_args(ExcType))

_Begin = Callable[[AsyncMontySession, Printout], Awaitable[AsyncSnapshot]]


class Interpreter:
    """Interpreter processes, and whose turn it is to use one."""

    def __init__(self, pool: AsyncMonty, seats: Seats, tools: frozenset[str]) -> None:
        self._pool = pool
        self._seats = seats
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
        """
        limits = read_limits(settings.limits)
        async with AsyncMonty(
            min_processes=settings.processes,
            max_processes=settings.processes,
            max_checkouts_per_worker=settings.turns_per_process,
            request_timeout=limits.longest_s + _GRACE_S,
        ) as pool:
            yield cls(pool, Seats(settings.processes), tools)
        # The thread that told of the pool's end still holds Python objects: where the process ends
        # before it has let go of them, it aborts, with exit code 134.
        await asyncio.sleep(_LAST_THREAD_S)

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
        """
        if len(code.encode()) > limits.code_bytes:
            return _ended(limit_exceeded(limits, "code_bytes"))
        try:
            measure(inputs, limits.input_bytes)
        except TooLargeError:
            return _ended(limit_exceeded(limits, "input_bytes"))
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
            SnapshotError: This is no snapshot that the interpreter can read.
        """
        suspension, dump = snapshots.read(snapshot)
        program = suspension.program
        awaited = bool(suspension.pending)
        if awaited:
            suspension = suspension.answered(answer)
        try:
            measure(
                [item.answer.value for item in suspension.pending if item.answer] or answer.value,
                program.limits.answer_bytes,
            )
        except TooLargeError:
            return _ended(limit_exceeded(program.limits, "answer_bytes"))
        if call := suspension.asked:
            return Asked(Printed(), call, snapshots.write(suspension, dump))

        async def begin(session: AsyncMontySession, printout: Printout) -> AsyncSnapshot:
            try:
                at = await session.load_snapshot(dump, print_callback=printout)
            except MontyCrashedError:
                raise
            except MontyError as error:
                raise SnapshotError(f"the interpreter cannot read the snapshot: {error}") from None
            if isinstance(at, AsyncFutureSnapshot):
                return await at.resume(_results(suspension))
            if isinstance(at, AsyncFunctionSnapshot):
                return await at.resume(_result(answer))
            raise SnapshotError("the snapshot waits for no answer")

        drive = Drive(program, self._tools, {item.id: item.call for item in suspension.unasked})
        return await self._turn(
            drive, begin, tenant_id=tenant_id, output_left=output_left, within_s=within_s
        )

    async def _turn(
        self,
        drive: Drive,
        begin: _Begin,
        *,
        tenant_id: str,
        output_left: int,
        within_s: float | None,
    ) -> Stop:
        time = asyncio.timeout(within_s)
        try:
            async with time, self._seats.taken(tenant_id):
                return await self._run(drive, begin, output_left)
        except TimeoutError:
            if time.expired():
                raise NotInTimeError from None
            raise

    async def _run(self, drive: Drive, begin: _Begin, output_left: int) -> Stop:
        # A cancelled turn's process is killed at once; it would print on until its time is over.
        silence = asyncio.timeout(None)

        def stop() -> None:
            with suppress(RuntimeError):  # it has ended already
                silence.reschedule(0)

        printout = Printout(output_left, stop)
        program, limits = drive.program, drive.program.limits
        allowed: ResourceLimits = {
            "max_feed_duration_secs": limits.timeout_s,
            "max_memory": program.memory_bytes,
            "max_recursion_depth": limits.recursion,
        }
        stopped: Value | Waiting | Failure
        try:
            async with (
                silence,
                self._pool.checkout(limits=allowed, os_policy=_POLICY) as session,
            ):
                confine(session.worker_pid, limits, _GRACE_S)
                at = await begin(session, printout)
                stopped = await drive.to_stop(at)
        except TimeoutError:
            if not silence.expired():
                raise
            stopped = limit_exceeded(limits, "output_bytes")
        except TooLargeError:
            stopped = limit_exceeded(limits, "answer_bytes")
        except MontyError as error:
            stopped = failure(error, program)
        if printout.overflowed:
            stopped = limit_exceeded(limits, "output_bytes")
        return _stop(stopped, printout, limits)


def _stop(stopped: Value | Waiting | Failure, printout: Printout, limits: Limits) -> Stop:
    if isinstance(stopped, Waiting):
        snapshot = snapshots.write(stopped.suspension, stopped.dump)
        return Asked(printout.printed(), stopped.call, snapshot)
    if isinstance(stopped, Value):
        try:
            return Ended(printout.printed(), _finished(stopped.value, limits))
        except TooLargeError:
            stopped = limit_exceeded(limits, "output_bytes")
    return Ended(printout.printed(stopped.traceback), stopped.finished)


def _finished(value: object, limits: Limits) -> Finished:
    measure(value, limits.output_bytes)
    try:
        return Finished(result=travelling(value))
    except UnitError:
        return Finished(result=shown(value, limits.output_bytes), result_is_repr=True)


def _ended(why: Failure) -> Ended:
    return Ended(Printed(), why.finished)


def _results(suspension: Suspension) -> dict[int, ExternalSettledResult]:
    return {item.id: _result(item.answer) for item in suspension.pending if item.answer}


def _result(answer: Answer) -> Any:
    if answer.error is None:
        return {"return_value": answer.value}
    kind = answer.error.type if answer.error.type in _EXCEPTIONS else "RuntimeError"
    return {"exc_type": kind, "message": answer.error.message}
