"""Follow a workflow until it closes, through whatever its gateway goes through meanwhile."""

import asyncio
import math
from contextlib import aclosing
from typing import Protocol

from contextworker.cli.errors import StalledError
from contextworker.core.client import AsyncWorkerClient, ClientError, TaskStatus


class View(Protocol):
    """Where the state of a followed workflow is shown."""

    def show(self, status: TaskStatus) -> None:
        """Show the latest state."""

    def note(self, text: str) -> None:
        """Say something that happened on the way."""


async def follow(
    client: AsyncWorkerClient,
    workflow_id: str,
    view: View,
    *,
    run_id: str | None = None,
    stalled_after_s: float = math.inf,
) -> TaskStatus:
    """Show each state until the workflow is closed, and return the last one.

    An outage after the first answer is waited out.

    Args:
        client: Whom to ask.
        workflow_id: What to ask for.
        view: Where each state is shown.
        run_id: One run of it; the latest when left out.
        stalled_after_s: How long the workflow may stand still; for ever where nobody minds.

    Raises:
        ClientError: The gateway does not know the workflow, or did not answer even once.
        StalledError: Nothing about the workflow changed for too long.
    """

    def note(error: ClientError | None) -> None:
        view.note(
            f"The gateway does not answer ({error}); asking again until it does."
            if error
            else "The gateway answers again."
        )

    within = None if math.isinf(stalled_after_s) else stalled_after_s
    async with aclosing(client.watch(workflow_id, run_id=run_id, on_interruption=note)) as states:
        while True:
            try:
                async with asyncio.timeout(within):
                    status = await anext(states)
            except ClientError:  # some of them are a TimeoutError, too
                raise
            except TimeoutError:
                raise StalledError(f"The workflow {workflow_id} stands still.") from None
            view.show(status)
            if status.closed:
                return status
