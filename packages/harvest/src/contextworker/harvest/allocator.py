"""How much freed memory a worker keeps for itself."""

import os

_VARIABLE = "_RJEM_MALLOC_CONF"
_LITTLE = "narenas:2,dirty_decay_ms:200,muzzy_decay_ms:0"


def return_freed_memory() -> None:
    """Let polars give freed memory back soon; it has to be told before it is loaded.

    By default its allocator keeps some 100 MB for ten seconds, in an arena for each few threads.
    An operator's own word wins.
    """
    os.environ.setdefault(_VARIABLE, _LITTLE)
