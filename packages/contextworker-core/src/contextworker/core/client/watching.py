"""Decides what following a task does next: show, ask again, wait, or give up. Knows no I/O."""

from collections.abc import Callable
from typing import Any, Final

from contextworker.core.client.errors import (
    ClientError,
    DeadlineExceededError,
    NotOfferedError,
    TaskNotDoneError,
    UnauthenticatedError,
)
from contextworker.core.client.replies import TaskStatus
from contextworker.core.client.retrying import Backoff, Budget, passing, pause_s

_STREAM_S: Final = 300.0
_POLL_S: Final = 0.25
_SLOW_POLL_S: Final = 1.0
_FAST_POLLS: Final = 40
_OUTAGE: Final = 2  # failures in a row: a gateway closes old connections, which is none

OnInterruption = Callable[[ClientError | None], None]
"""Told of an outage when it begins, and with None when it is over."""


class Watching:
    """One task being followed.

    Until the gateway has answered once, an outage is borne as long as any call's; from then on, as
    long as the watching may last. A stream is opened anew every five minutes: no call is without a
    deadline.
    """

    def __init__(
        self,
        workflow_id: str,
        budget: Budget,
        *,
        attempt_timeout_s: float,
        first: Backoff,
        on_interruption: OnInterruption | None,
        known: TaskStatus | None = None,
    ) -> None:
        self.polling = False
        """Whether to ask for the status again and again: the gateway offers no WatchTask."""

        self.workflow_id = workflow_id
        self._budget = budget
        self._attempt_timeout_s = attempt_timeout_s
        self._first = first
        self._on_interruption = on_interruption or (lambda _: None)
        self._last = known
        self._polls = 0
        self._failures = 0
        self._ends = 0  # of streams, since there was news
        self._answered = False  # since the stream was opened
        self._proven = False  # a stream has lasted to its deadline: the next may be long

    def stream_timeout_s(self) -> float:
        """Return the deadline of the next stream.

        A first one is short, to find out soon about a gateway that takes calls and never answers.

        Raises:
            TaskNotDoneError: The time is up.
            DeadlineExceededError: It is up before the gateway has answered once.
        """
        self._check_time()
        self._answered = False
        return self._budget.within(_STREAM_S if self._proven else self._attempt_timeout_s)

    def news(self, status: TaskStatus) -> bool:
        """Take an answer; tells whether it says something new."""
        self._answered = True
        if self._failures >= _OUTAGE and self._last is not None:
            self._on_interruption(None)
        self._failures = 0
        old, self._last = self._last, status
        changed = old is None or _facts(old) != _facts(status)
        if changed:
            self._ends = 0
        return changed

    def ended(self) -> float:
        """Take the end of an open task's stream, or of a poll; returns how long to wait."""
        self._check_time()
        if self.polling:
            self._polls += 1
            pause = _POLL_S if self._polls < _FAST_POLLS else _SLOW_POLL_S
        else:  # a gateway that goes ends its streams
            self._proven = False
            self._ends += 1
            pause = pause_s(self._ends)
        return self._budget.within(pause)

    def failed(self, error: ClientError) -> float:
        """Take a failure; returns how long to wait before the next try.

        Raises:
            ClientError: It, where it will not pass.
            TaskNotDoneError: The time is up.
        """
        if isinstance(error, DeadlineExceededError) and self._answered:
            self._check_time()
            self._proven = True
            return 0.0
        if isinstance(error, UnauthenticatedError) and self._answered:
            # The token expired meanwhile; where it comes of a function, the next one is fresh.
            self._check_time()
            return 0.0
        if isinstance(error, NotOfferedError) and not self.polling:
            self.polling = True
            return 0.0
        self._proven = False
        if self._last is None:
            pause = self._first(error)
            if pause is False:
                raise error
            return pause
        if not passing(error):
            raise error
        self._check_time()
        self._failures += 1
        if self._failures == _OUTAGE:
            self._on_interruption(error)
        return self._budget.within(pause_s(self._failures, error))

    def _check_time(self) -> None:
        if self._budget.remaining_s > 0:
            return
        if self._last is None:
            raise DeadlineExceededError(
                f"the gateway did not tell in time how the task {self.workflow_id} stands"
            )
        raise TaskNotDoneError(
            f"the task {self.workflow_id} is not done in the time given: it is "
            f"{self._last.status}; it goes on, and you may wait for it again",
            status=self._last,
        )


def _facts(status: TaskStatus) -> tuple[Any, ...]:
    """Return what makes two states differ; a heartbeat's time, for one, does not."""
    return (
        status.run_id,
        status.status,
        status.progress,
        status.reason,
        status.error,
        status.closed_at,
    )
