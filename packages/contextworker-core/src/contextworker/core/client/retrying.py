"""How long a call may take, and which failures are tried again, when."""

import logging
import math
import random
import time
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from stamina.instrumentation import (
    RetryDetails,
    RetryHook,
    get_on_retry_hooks,
    set_on_retry_hooks,
)

from contextworker.core.client.errors import (
    ClientError,
    DeadlineExceededError,
    ResourceExhaustedError,
    UnavailableError,
)

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 0.1
_MAX_PAUSE_S: Final = 3.0
_MAX_DOUBLINGS: Final = 10
_JITTER: Final = 0.25  # of a pause, so that clients which failed together do not return together


def passing(error: Exception) -> bool:
    """Tell whether the same call may succeed in a moment."""
    if isinstance(error, ResourceExhaustedError):
        return error.retry_after_s is not None
    return isinstance(error, UnavailableError | DeadlineExceededError)


def pause_s(failures: int, error: ClientError | None = None) -> float:
    """Return how long to wait after the nth failure in a row: what the gateway asks, or longer."""
    pause = min(_MAX_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, _MAX_DOUBLINGS))
    if error is not None and error.retry_after_s is not None:
        pause = error.retry_after_s
    return pause * (1 + _JITTER * random.random())  # noqa: S311 - no secret


class Budget:
    """The time that something may take as a whole; None: as long as it takes."""

    def __init__(self, timeout_s: float | None) -> None:
        self._ends_at = math.inf if timeout_s is None else time.monotonic() + timeout_s

    @property
    def remaining_s(self) -> float:
        """What is left, perhaps nothing."""
        return max(0.0, self._ends_at - time.monotonic())

    def within(self, seconds: float) -> float:
        """Cut a time to what is left."""
        return min(seconds, self.remaining_s)


def _leave_to(others: RetryHook, details: RetryDetails) -> AbstractContextManager[None] | None:
    """Log a call's attempt by `logging`; what else stamina retries stays with its own hook.

    That one would write by structlog, which prints among what a script itself prints, unless
    somebody set it up.
    """
    if not isinstance(details.caused_by, ClientError):
        return others(details)
    _log.debug("trying again in %.1f s: %s", details.wait_for, details.caused_by)
    return None


set_on_retry_hooks(partial(_leave_to, hook) for hook in get_on_retry_hooks())


class Backoff:
    """Decides after each failure of one call whether, and when, it is made again.

    It is a backoff hook of stamina's, made anew for each call.
    """

    def __init__(self, budget: Budget, attempts: int | None) -> None:
        self._budget = budget
        self._attempts = math.inf if attempts is None else attempts
        self.failures = 0

    def __call__(self, error: Exception) -> bool | float:
        """Return the pause before the next attempt, or False where there is none."""
        self.failures += 1
        if not (isinstance(error, ClientError) and passing(error)):
            return False
        pause = pause_s(self.failures, error)
        return self.failures < self._attempts and pause < self._budget.remaining_s and pause
