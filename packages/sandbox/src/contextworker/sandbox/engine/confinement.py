"""What the operating system holds an interpreter process to, should the interpreter itself fail.

It opens no file and no socket, starts no process and has an empty environment anyway. Only Linux
lets a process limit another one.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Final

from contextworker.sandbox.messages import Limits

_log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_OWN_MIB: Final = 512
"""Address space of the interpreter's own: its program, stacks, and what it reads and writes."""

_FILES: Final = 16
_UTIME: Final = 11
"""Where the processor time is in /proc/<pid>/stat, behind the name; that of the kernel follows."""


def confine(pid: int | None, limits: Limits, grace_s: float) -> None:
    """Hold a process to a turn's limits: memory, processor time, files, and no core dumps.

    A process whose worker was killed would end by itself as well: with the turn, or here.
    """
    if sys.platform != "linux" or pid is None:
        return
    import resource  # noqa: PLC0415 - Windows has none

    space = (_OWN_MIB + 2 * limits.memory_mib) * _MIB
    try:
        seconds = int(_processor_s(pid) + limits.timeout_s + grace_s) + 1
        for what, most in (
            (resource.RLIMIT_AS, space),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_NOFILE, _FILES),
        ):
            # Only the soft limit: the next turn's may be higher, and code cannot raise its own.
            _, hard = resource.prlimit(pid, what)
            resource.prlimit(pid, what, (most, hard))
    except OSError as error:
        _log.warning("interpreter process %d runs without limits of its own: %s", pid, error)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_UTIME + 1])) / os.sysconf("SC_CLK_TCK")
