"""Wait until tasks have closed: ask, sleep a little longer each time, ask again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from pydantic import JsonValue
from temporalio import workflow

from contextworker.sandbox.execution.arguments import RefusedError, Wait
from contextworker.sandbox.execution.runs import LongHistoryError
from contextworker.sandbox.messages import Waited

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
_GROWTH: Final = 1.5
AT_ONCE: Final = 10
"""Of many tasks, so many are asked about at a time: all have to close, in whatever order."""

_CLOSED: Final = frozenset({"completed", "failed", "cancelled", "terminated", "timed_out"})

Status = dict[str, JsonValue]
Ask = Callable[[str], Awaitable[Status]]


async def until_closed(
    wait: Wait, ask: Ask, waited: Waited, *, fits: Callable[[dict[str, Status]], None]
) -> list[Status]:
    """Return how each task ended, in the order asked for.

    Args:
        wait: For which tasks.
        ask: Tells how one stands.
        waited: How far the wait is; its deadline is by the workflow's clock.
        fits: Raises RefusedError where what has closed by now is too much for an answer.

    Raises:
        RefusedError: With TimeoutError, where one is open at the deadline; or as `ask` raises it.
        LongHistoryError: Says how far the wait is by now.
    """
    closed, deadline, pause_s = dict(waited.closed), waited.deadline, FIRST_PAUSE_S
    while missing := [name for name in dict.fromkeys(wait.ids) if name not in closed]:
        asked = missing[:AT_ONCE]
        stand = dict(zip(asked, await asyncio.gather(*map(ask, asked)), strict=True))
        news = {name: status for name, status in stand.items() if status["status"] in _CLOSED}
        closed |= news
        fits(closed)
        open_ones = [name for name in asked if name not in closed]
        if not open_ones:
            continue
        if workflow.info().is_continue_as_new_suggested():
            raise LongHistoryError(Waited(deadline=deadline, closed=closed))
        now = workflow.time()
        if deadline is not None and now >= deadline:
            first, others = open_ones[0], len(missing) - len(news) - 1
            more = f"; {others} more may be open" if others else ""
            raise RefusedError(
                TimeoutError,
                f"wait_for(): {first} is {stand[first]['status']} after {wait.timeout_s:g} s{more}",
            )
        if not news:
            await workflow.sleep(pause_s if deadline is None else min(pause_s, deadline - now))
            pause_s = min(pause_s * _GROWTH, LONGEST_PAUSE_S)
    return [closed[name] for name in wait.ids]
