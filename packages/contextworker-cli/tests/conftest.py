"""What several test files of the command line use: real processes, and no process left over."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from scripted_gateway import Script, ScriptedGateway

from contextworker.cli.app import run_command

REPOSITORY = Path(__file__).parents[3]
SUPPLIERS = REPOSITORY / "examples" / "suppliers"


class Called(NamedTuple):
    """What a command line came to."""

    code: object
    out: str
    err: str


Call = Callable[..., Called]
Cli = Callable[..., "subprocess.CompletedProcess[str]"]
Spawn = Callable[..., "Running"]


class Running:
    """A `contextworker` that runs in the background, its output in a file."""

    def __init__(self, arguments: list[str], cwd: Path, env: Mapping[str, str]) -> None:
        self.output = cwd / f"output-{time.monotonic_ns()}.txt"
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "contextworker", *arguments],
                cwd=cwd,
                env=dict(env),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._seen: dict[int, psutil.Process] = {}

    @property
    def text(self) -> str:
        """Everything it printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def children(self) -> list[psutil.Process]:
        """Every process below it that still runs, also once its parent is gone."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                self._seen.setdefault(child.pid, child)
        return [child for child in self._seen.values() if alive(child)]

    def until(self, condition: Callable[[], object], what: str, within_s: float = 100) -> None:
        """Wait until the condition holds, remembering every child seen meanwhile."""
        end = time.monotonic() + within_s
        while not condition():
            self.children()
            if time.monotonic() > end:
                pytest.fail(f"waited {within_s} s for {what}; it printed:\n{self.text}")
            if self.process.poll() is not None and not condition():
                pytest.fail(f"it ended before {what}; it printed:\n{self.text}")
            time.sleep(0.02)

    def says(self, words: str, within_s: float = 100) -> None:
        """Wait until it printed the words."""
        self.until(lambda: words in self.text, f"{words!r}", within_s)

    def interrupt(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.children()
        self.process.send_signal(number)
        return self.process.wait(100)

    def left(self, within_s: float = 60) -> list[psutil.Process]:
        """Return what goes on below it, though there was time to see that its parent is gone.

        An interpreter of the sandbox ends by itself, a moment after its worker.
        """
        end = time.monotonic() + within_s
        while (children := self.children()) and time.monotonic() < end:
            time.sleep(0.02)
        return children

    def end(self) -> None:
        """Leave nothing of it."""
        left = self.children()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        for child in left:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; a zombie does not."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


@pytest.fixture
def clean_env() -> dict[str, str]:
    """The environment without anything that would steer the command line."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("CONTEXTWORKER_", "TEMPORAL_", "BRAIN_", "WORKER_", "COLUMNS"))
    }
    return env | {"CONTEXTWORKER_SUPPLIERS_DIR": str(SUPPLIERS), "PYTHONUTF8": "1"}


@pytest.fixture
def cli(tmp_path: Path, clean_env: dict[str, str]) -> Cli:
    """Run the command line to its end, in an empty folder."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, cwd: Path = tmp_path
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "contextworker", *arguments],
            cwd=cwd,
            env={**clean_env, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            timeout=110,
            check=False,
        )

    return run


@pytest.fixture
def call(
    tmp_path: Path,
    clean_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Call:
    """Run the command line in this process, in an empty folder without any setting: it is quick."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(clean_env):
        monkeypatch.delenv(name)

    def run(*arguments: str, cwd: Path | None = None) -> Called:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        code: object
        try:
            code = run_command(arguments)
        except SystemExit as exit_:  # cyclopts says what it cannot parse, and exits
            code = exit_.code
        printed = capsys.readouterr()
        return Called(code, printed.out, printed.err)

    return run


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    """A scripted gateway on loopback."""
    gateway = ScriptedGateway()
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def ask(call: Call, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command against the gateway, which has the answers given."""
    call()  # clears the environment
    monkeypatch.setenv("WORKER_ADDRESS", gateway.address)

    def run(*arguments: str, answers: list[Script]) -> Called:
        gateway.answers = answers
        return call(*arguments)

    return run


@pytest.fixture
def spawn(tmp_path: Path, clean_env: dict[str, str]) -> Iterator[Spawn]:
    """Start the command line in the background; whatever it left is ended with the test."""
    started: list[Running] = []

    def run(*arguments: str, env: Mapping[str, str] | None = None) -> Running:
        running = Running(list(arguments), tmp_path, {**clean_env, **(env or {})})
        started.append(running)
        return running

    yield run
    for running in started:
        running.end()
