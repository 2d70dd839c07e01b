"""Processes that end with their test, whatever ends that; and one supervised as a cluster would."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_DIES_WITH_PARENT = ["setpriv", "--pdeathsig=KILL"]


@dataclass(eq=False)
class Process:
    """One program, started again and again, each time in a session of its own."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    user: str | None = None
    sessions: list[int] = field(default_factory=list)
    """Of every start: what a killed one leaves behind is still in its session."""

    is_wanted: bool = False
    starts: int = 0
    popen: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it said, of all its starts."""
        return self.folder / f"{self.name}.log"

    @property
    def is_running(self) -> bool:
        """Whether it has not ended; a stopped one has not."""
        return self.popen is not None and self.popen.poll() is None

    def start(self) -> None:
        """Start it, unless it runs; from the main thread, for it dies with the one it is of."""
        self.is_wanted = True
        if self.is_running:
            return
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [*_DIES_WITH_PARENT, *self._as_user, *self.command],
                env=dict(self.environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1
        self.sessions.append(self.popen.pid)

    @property
    def _as_user(self) -> list[str]:
        # Not Popen's own `user`: it would fork where it can vfork otherwise, and gRPC's threads in
        # this process do not take that well.
        if self.user is None:
            return []
        return [f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--"]

    def family(self) -> list[psutil.Process]:
        """Return it and what it started, as long as it runs."""
        if self.popen is None or not self.is_running:
            return []
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.popen.pid)
            return [own, *own.children(recursive=True)]
        return []

    def kill(self) -> None:
        """End it as a crash would; what it started is left to itself."""
        self.is_wanted = False
        if self.popen is not None:
            self.popen.kill()
            self.popen.wait()

    def terminate(self) -> None:
        """Ask it to end, as an operator does."""
        self.is_wanted = False
        if self.is_running and self.popen is not None:
            self.popen.terminate()

    def freeze(self) -> None:
        """Stop it and what it started, in the middle of whatever they do."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def close(self) -> None:
        """End it and everything it ever started."""
        self.kill()
        for process in in_sessions(self.sessions):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def in_sessions(sessions: Sequence[int]) -> list[psutil.Process]:
    """Return the processes of some sessions that have not ended."""
    wanted, found = set(sessions), []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) in wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
