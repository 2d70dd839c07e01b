"""Run a command that the kernel ends when its parent dies, however it dies.

Started by path, `python -I -S guard.py PARENT_PID COMMAND…`, so it imports nothing but the
standard library and costs a few milliseconds; it then becomes the command (execve), which keeps
the setting. Linux only: elsewhere a parent that is killed outright leaves its children, and the
next `contextworker up` ends them.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Ask for SIGKILL on the parent's death, then become `command`."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl(PR_SET_PDEATHSIG): {os.strerror(error)}")
    if os.getppid() != parent:  # it died before the request: no signal will ever come
        sys.exit(1)
    try:
        os.execv(command[0], command)  # noqa: S606 - becoming it, without a shell, is the job
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
