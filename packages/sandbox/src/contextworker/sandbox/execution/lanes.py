"""How a turn is run: in the fast lane, and with patience where that is not enough.

The fast lane is a local activity, which needs no way through the server. While it runs, the
workflow answers no queries; so it is given up soon, and the turn run again. That is safe, because
nothing outside happens in a turn.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from contextworker.sandbox.messages import (
    Limits,
    ResumeTurn,
    SandboxActivities,
    StartTurn,
    Turn,
)

_FAST_S: Final = 0.5
"""For computing, and for waiting for a process to do it in."""

_FAST_LANE: Final = timedelta(seconds=2)
"""With the way to the object store and back."""

_WAITING_S: Final = 60 * 60
"""How long a turn may wait for an interpreter; with patience, it is then asked for again."""

_ONCE: Final = RetryPolicy(maximum_attempts=1)

# The object store may be away for a while, and no process be free for long: an execution's lifetime
# is what ends this.
PATIENT: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
)
_TURNS: Final = replace(
    PATIENT,
    # Faults of the worker's own, which the same code would meet again until its lifetime is over.
    non_retryable_error_types=[
        fault.__name__
        for fault in (
            ArithmeticError,
            AssertionError,
            AttributeError,
            IndexError,
            KeyError,
            NameError,
            NotImplementedError,
            RecursionError,
            TypeError,
            UnicodeEncodeError,
            ValueError,
        )
    ],
)
HEARTBEAT: Final = timedelta(seconds=6)
"""How long a worker may be silent before what it does is done again elsewhere."""

ATurn = TypeVar("ATurn", StartTurn, ResumeTurn)
Method = Callable[[SandboxActivities, ATurn], Awaitable[Turn]]


def is_done(turn: Turn | None) -> bool:
    """Tell whether a turn came to a stop."""
    return turn is not None and (turn.finished or turn.suspended) is not None


def is_stopping() -> bool:
    """Tell whether the run is cancelled, or its time is over."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def fast(method: Any, turn: StartTurn | ResumeTurn, *, summary: str) -> Turn | None:
    """Run a turn in the fast lane; None where that failed."""
    try:
        done: Turn = await workflow.execute_local_activity_method(
            method,
            turn.model_copy(update={"within_s": _FAST_S}),
            schedule_to_close_timeout=_FAST_LANE,
            retry_policy=_ONCE,
            summary=summary,
        )
    except FailureError:
        if is_stopping():  # else it was the worker that stopped, or the turn that failed
            raise
        return None
    return done


async def patient(
    method: Any, turn: StartTurn | ResumeTurn, *, limits: Limits | None, summary: str
) -> Turn:
    """Run a turn however long it takes, on any worker; a cancelled one is waited for.

    Args:
        method: One of SandboxActivities.
        turn: What to run.
        limits: Of the execution, where they are known by now.
        summary: Shown beside it in Temporal's UI.
    """
    computing_s = limits.timeout_s if limits else _WAITING_S
    done: Turn = await workflow.execute_activity_method(
        method,
        turn,
        start_to_close_timeout=timedelta(seconds=computing_s + _WAITING_S),
        heartbeat_timeout=HEARTBEAT,
        retry_policy=_TURNS,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
    return done
