"""How many calls a second each tenant may begin."""

import math

from throttled import RateLimiterType, Throttled, per_sec
from throttled.store import MemoryStore

from contextworker.gateway.errors import RateLimitedError
from contextworker.gateway.limits.share import Share

# A caller of every tenant can name any: of more shares than these, the least recently used is
# forgotten, which gives it a full second's worth again. About 300 bytes each.
_MAX_SHARES = 10_000


class Rate:
    """A steady rate for each share, in memory (the generic cell rate algorithm).

    A share that was quiet for a second may begin a second's worth of calls at once.
    """

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._throttled = Throttled(
            using=RateLimiterType.GCRA.value,
            quota=per_sec(per_s),
            store=MemoryStore(options={"MAX_SIZE": _MAX_SHARES}),
        )

    def take(self, share: Share) -> None:
        """Count a call; one that is refused does not count.

        Raises:
            RateLimitedError: The share has no call left for now.
        """
        result = self._throttled.limit(f"{share.owner}:{share.name}")
        if result.limited:
            wait_s = math.ceil(result.state.retry_after * 1000) / 1000
            raise RateLimitedError(share, self._per_s, retry_after_s=wait_s)
