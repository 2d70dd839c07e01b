"""How much freed memory a worker keeps for itself."""

import ctypes
import os
import sys

_JEMALLOC_VARIABLE = "_RJEM_MALLOC_CONF"
_JEMALLOC = "narenas:2,dirty_decay_ms:200,muzzy_decay_ms:0"
# glibc's <malloc.h>; a threshold that is set stays, where one that is not grows to 32 MiB.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MIB = 1024 * 1024
_GLIBC = ((_M_ARENA_MAX, 2), (_M_MMAP_THRESHOLD, _MIB), (_M_TRIM_THRESHOLD, _MIB))


def return_freed_memory() -> None:
    """Let both allocators of the process give freed memory back soon.

    By themselves they keep, in an arena for each few threads, some 150 MB of what a large feed
    went through. The one that polars brings has to be told before polars is loaded; an operator's
    own word to it wins.
    """
    os.environ.setdefault(_JEMALLOC_VARIABLE, _JEMALLOC)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # musl has none
            for parameter, value in _GLIBC:
                libc.mallopt(parameter, value)
