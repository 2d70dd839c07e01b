"""One child process of the stack: started guarded, watched for readiness, stopped for sure."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from contextworker.cli.errors import ChildError
from contextworker.cli.stack import guard
from contextworker.cli.stack.health import serving

TAIL_LINES = 12
TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, where its output goes, and how to see that it is ready."""

    name: str
    command: Sequence[str]
    log: Path
    health_address: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    grace_s: float = 10


class Child:
    """A running Program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id, once started."""
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        """The exit code; None while it runs, negative for a signal."""
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Start the process in a session of its own, its output appended to the log.

        In its own session a Ctrl-C at the terminal reaches only the parent, which stops its
        children in order.
        """
        self.program.log.parent.mkdir(parents=True, exist_ok=True)
        with self.program.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_guarded(self.program.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(self.program.env),
                start_new_session=True,
            )

    async def ready(self, within_s: float) -> None:
        """Wait until the health service says SERVING.

        Raises:
            ChildError: The process ended first, or did not get ready in time.
        """
        name = self.program.name
        answered = asyncio.create_task(serving(self.program.health_address))
        ended = asyncio.create_task(self.wait())
        try:
            await asyncio.wait(
                {answered, ended}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            answered.cancel()
            ended.cancel()
        if ended.done() and not ended.cancelled():
            raise self.failure(f"{name} stopped while starting ({exit_text(ended.result())}).")
        if not answered.done() or answered.cancelled():
            raise self.failure(f"{name} did not get ready within {within_s:g} s.")
        answered.result()

    async def wait(self) -> int:
        """Wait for the process to end and return its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        """End the process: SIGTERM, and SIGKILL once its grace is over; no child stays."""
        if self._process is None or self._process.returncode is not None:
            return
        try:
            self._signal(signal.SIGTERM)
            async with asyncio.timeout(self.program.grace_s):
                await self._process.wait()
        except TimeoutError:
            pass
        finally:  # also when this task is cancelled: a second Ctrl-C means now
            self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def failure(self, message: str) -> ChildError:
        """Return an error that carries the end of the log."""
        return ChildError(message, log=self.program.log, tail=tail(self.program.log))

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(number)


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """Return the last lines of a log file; none where it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return list(deque((line for line in text.splitlines() if line.strip()), maxlen=lines))


def exit_text(code: int) -> str:
    """Say an exit code as a person would."""
    if code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _guarded(command: Sequence[str]) -> list[str]:
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), *command]
