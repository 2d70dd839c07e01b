"""Follow a workflow until it closes, through whatever its gateway goes through meanwhile."""

import asyncio
import math
import time
from typing import Final, Protocol

from contextworker.cli.client.gateway import GatewayClient
from contextworker.cli.client.replies import TaskStatus
from contextworker.cli.errors import GatewayError, StalledError

POLL_S: Final = 0.25
SLOW_POLL_S: Final = 1.0
FAST_POLLS: Final = 40
MAX_PAUSE_S: Final = 5.0
_PASSING: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"})


class View(Protocol):
    """Where the state of a followed workflow is shown."""

    def show(self, status: TaskStatus) -> None:
        """Show the latest state."""

    def note(self, text: str) -> None:
        """Say something that happened on the way."""


async def follow(
    client: GatewayClient, workflow_id: str, view: View, *, stalled_after_s: float = math.inf
) -> TaskStatus:
    """Ask for the status until the workflow is closed, and return the last one.

    An outage after the first answer is waited out.

    Args:
        client: Whom to ask.
        workflow_id: What to ask for.
        view: Where each answer is shown.
        stalled_after_s: How long the workflow may stand still; for ever where nobody minds.

    Raises:
        GatewayError: The gateway does not know the workflow, or did not answer even once.
        StalledError: Nothing about the workflow changed for too long.
    """
    polls = misses = 0
    last: TaskStatus | None = None
    moved_at = time.monotonic()
    while True:
        try:
            status = await client.status(workflow_id)
        except GatewayError as error:
            if not polls or error.code not in _PASSING:
                raise
            if not misses:
                view.note(f"The gateway does not answer ({error}); asking again until it does.")
            misses += 1
            await asyncio.sleep(min(MAX_PAUSE_S, POLL_S * 2**misses))
            continue
        if misses:
            view.note("The gateway answers again.")
            misses = 0
        polls += 1
        view.show(status)
        if not status.open:
            return status
        if status != last:
            last, moved_at = status, time.monotonic()
        elif time.monotonic() - moved_at > stalled_after_s:
            raise StalledError(f"The workflow {workflow_id} stands still: {status.status}.")
        await asyncio.sleep(POLL_S if polls < FAST_POLLS else SLOW_POLL_S)
