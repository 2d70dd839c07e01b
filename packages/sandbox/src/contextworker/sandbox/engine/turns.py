"""One turn of a program, in one process: from how it begins to its stop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from pydantic_monty import (
    AsyncMonty,
    AsyncMontySession,
    AsyncSnapshot,
    MontyError,
    OSPolicy,
    ResourceLimits,
)

from contextcore import UnitError
from contextworker.sandbox.engine import snapshots
from contextworker.sandbox.engine.confinement import confine
from contextworker.sandbox.engine.driving import Drive, Value, Waiting
from contextworker.sandbox.engine.errors import Failure, failure, limit_exceeded
from contextworker.sandbox.engine.printing import Printout
from contextworker.sandbox.engine.stops import Asked, Ended, Printed, Stop
from contextworker.sandbox.engine.values import TooLargeError, measure, shown, travelling
from contextworker.sandbox.messages import Finished, Limits

GRACE_S: Final = 5
"""How much longer than its time a process may take to end code itself, before it is killed."""

_POLICY: Final[OSPolicy] = {"sleep": "call_host"}

Begin = Callable[[AsyncMontySession, Printout], Awaitable[AsyncSnapshot]]


async def run_turn(
    pool: AsyncMonty,
    drive: Drive,
    begin: Begin,
    output_left: int,
    *,
    on_process: Callable[[int | None], None],
) -> Stop:
    """Have a process do a turn, from how it begins to its stop; tells the process's pid."""
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
            pool.checkout(limits=allowed, os_policy=_POLICY) as session,
        ):
            on_process(session.worker_pid)
            confine(session.worker_pid, limits, GRACE_S)
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


def ended(why: Failure) -> Ended:
    """Return the end of code that never ran."""
    return Ended(Printed(), why.finished)
