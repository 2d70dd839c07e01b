"""Processes as the system's table has them: found again by pid and creation time."""

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel, ConfigDict

_POLL_S = 0.05
_CLOCK_SLACK_S = 2.0  # creation times are rounded differently by kernels and containers


class ProcessState(BaseModel):
    """One process; its creation time tells it from a later one with the same pid."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    created: float
    log: Path | None = None

    @classmethod
    def of(cls, pid: int, name: str, log: Path | None = None) -> Self | None:
        """Describe a process; None where it has ended already."""
        with suppress(psutil.NoSuchProcess):
            created = psutil.Process(pid).create_time()
            return cls(name=name, pid=pid, created=created, log=log)
        return None

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._find() is not None

    def stop(self, within_s: float) -> bool:
        """Ask it to stop (SIGTERM) and wait; tells whether it did in time."""
        if (process := self._find()) is not None:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        end = time.monotonic() + within_s
        while self.running:  # not psutil's wait: a zombie has stopped, whoever fails to reap it
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_S)
        return True

    def _find(self) -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CLOCK_SLACK_S
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


def kill_all(states: Iterable[ProcessState]) -> list[str]:
    """Kill those that still run, wait until they are gone, and return their names."""
    found = [(state.name, process) for state in states if (process := state._find())]  # noqa: SLF001 - this file's own
    for _, process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs([process for _, process in found], timeout=5)
    return [name for name, _ in found]
