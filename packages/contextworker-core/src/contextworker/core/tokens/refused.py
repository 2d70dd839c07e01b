"""Tells the operator of refused tokens: why, never which, and not a line for each."""

import logging
import time
from collections import Counter

_log = logging.getLogger(__name__)


class RefusedTokens:
    """Logs refused tokens, at most one of a kind in a while: strangers must not fill the log."""

    def __init__(self, interval_s: float = 60) -> None:
        self._interval_s = interval_s
        self._told_at: dict[str, float] = {}
        self._untold: Counter[str] = Counter()

    def tell(self, problem: str, called: str, peer: str) -> None:
        """Take note of a token that was refused.

        Args:
            problem: Why, in one of the few words that the service has for it.
            called: What was called.
            peer: Where the connection comes from.
        """
        now = time.monotonic()
        if now - self._told_at.get(problem, float("-inf")) < self._interval_s:
            self._untold[problem] += 1
            return
        self._told_at[problem] = now
        more = self._untold.pop(problem, 0)
        since = f", and {more:,} more such calls since this was last said" if more else ""
        _log.info("unauthenticated: %s (%s, from %s)%s", problem, called, peer, since)
