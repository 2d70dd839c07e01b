"""How many calls of each tenant may run at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from contextworker.gateway.errors import TooManyCallsError
from contextworker.gateway.limits.share import Share


class Slots:
    """A number of slots for each share; what is counted are calls in hand, so memory is bounded."""

    def __init__(self, limit: int, what: str, *, retry_after_s: float) -> None:
        self._limit = limit
        self._what = what
        self._retry_after_s = retry_after_s
        self._taken: Counter[Share] = Counter()

    @contextmanager
    def held(self, share: Share) -> Iterator[None]:
        """Hold one slot inside the block, however the block ends.

        Raises:
            TooManyCallsError: The share has none left.
        """
        if self._taken[share] >= self._limit:
            raise TooManyCallsError(
                share, self._limit, self._what, retry_after_s=self._retry_after_s
            )
        self._taken[share] += 1
        try:
            yield
        finally:
            self._taken[share] -= 1
            if not self._taken[share]:
                del self._taken[share]
