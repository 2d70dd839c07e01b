"""When a run of the workflow has a history so long that another one should go on."""

from typing import Final

from temporalio import workflow

from contextworker.sandbox.messages import Waited

CALLS_PER_RUN: Final = 200
"""About 1,500 events: far below the server's limits, and quick to replay."""


class LongHistoryError(Exception):
    """Go on in another run."""

    def __init__(self, waited: Waited | None = None) -> None:
        """Say where to go on.

        Args:
            waited: How far the call in hand is; None where it has not begun.
        """
        super().__init__("the history has grown long")
        self.waited = waited


def check_history(calls: int) -> None:
    """Leave this run where its history is long.

    Args:
        calls: How many this run has made.

    Raises:
        LongHistoryError: It is.
    """
    if calls >= CALLS_PER_RUN or (calls and workflow.info().is_continue_as_new_suggested()):
        raise LongHistoryError
