"""Interpreter processes: killed, orphaned, confined, replaced."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Ended
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.settings import SandboxSettings

_PROGRAM = """
import asyncio

from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.settings import SandboxSettings

async def main():
    async with Interpreter.open(SandboxSettings(processes=1), tools=frozenset()) as interpreter:
        await interpreter.start(
            {code!r}, {{}}, tenant_id="acme",
            limits=DEFAULT.model_copy(update={{"timeout_s": 5}}),
        )

asyncio.run(main())
"""


async def _until(true: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)
    assert true(), what


def _processes(parent: psutil.Process | None = None) -> list[psutil.Process]:
    found = []
    for child in (parent or psutil.Process()).children():
        with suppress(psutil.NoSuchProcess):  # another test's, which a pool has just buried
            if child.name() == "monty":
                found.append(child)
    return found


def _busy(
    parent: psutil.Process | None = None, *, apart_from: Sequence[psutil.Process] = ()
) -> list[psutil.Process]:
    return [
        process
        for process in _processes(parent)
        if process not in apart_from and process.cpu_times().user >= 0.05
    ]


def _has_ended(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        # Whoever adopted it may never ask how it ended.
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def _soft_limits(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:25].strip(): line[25:].split()[0] for line in lines}


async def test_a_killed_process_is_its_one_callers_error() -> None:
    """Others go on, and the next turn finds a process again."""
    others = _processes()
    async with Interpreter.open(SandboxSettings(processes=3), tools=frozenset()) as interpreter:

        def start(code: str, tenant_id: str) -> Awaitable[object]:
            return interpreter.start(code, {}, tenant_id=tenant_id, limits=DEFAULT)

        loop = asyncio.ensure_future(start("while True: pass", "loud"))
        await _until(lambda: bool(_busy(apart_from=others)), "one of them loops")
        [looping] = _busy(apart_from=others)
        looping.kill()
        crashed, *rest = await asyncio.gather(
            loop, *[start(f"{number}", "quiet") for number in range(6)]
        )

    assert isinstance(crashed, Ended)
    assert crashed.finished.error is not None
    assert "InterpreterCrashed" == crashed.finished.error.type
    assert list(range(6)) == [stop.finished.result for stop in rest if isinstance(stop, Ended)]


@pytest.mark.slow
async def test_an_orphaned_process_ends_by_itself() -> None:
    """Its worker was killed while code looped: it ends with the code's time."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM.format(code="while True: pass")
    )
    parent = psutil.Process(worker.pid)
    try:
        await _until(lambda: bool(_busy(parent)), "the code loops")
        [orphan] = _busy(parent)
        worker.kill()
        await worker.wait()

        await _until(lambda: _has_ended(orphan), "the interpreter has ended")
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines other processes")
async def test_a_process_is_confined() -> None:
    """By the operating system too: what the interpreter would let through ends there."""
    others = _processes()
    async with Interpreter.open(SandboxSettings(processes=1), tools=frozenset()) as interpreter:
        await interpreter.start("1", {}, tenant_id="acme", limits=DEFAULT)
        [process] = [child for child in _processes() if child not in others]
        limits = _soft_limits(process.pid)

    assert ("0", "0", "16", str((512 + 128) * 1024 * 1024)) == tuple(
        limits[name]
        for name in ("Max core file size", "Max file size", "Max open files", "Max address space")
    )
    assert 10 < int(limits["Max cpu time"]) <= 20


async def test_a_turn_given_up_leaves_no_process_looping() -> None:
    """A cancelled turn's process ends at once; the pool is whole again for the next one."""
    others = _processes()
    async with Interpreter.open(SandboxSettings(processes=1), tools=frozenset()) as interpreter:
        loop = asyncio.ensure_future(
            interpreter.start("while True: pass", {}, tenant_id="acme", limits=DEFAULT)
        )
        await _until(lambda: bool(_busy(apart_from=others)), "the code loops")
        [looping] = _busy(apart_from=others)
        loop.cancel()
        await asyncio.wait([loop])
        stop = await interpreter.start("1", {}, tenant_id="acme", limits=DEFAULT)

        await _until(lambda: not looping.is_running(), "the process has ended")
    assert isinstance(stop, Ended)
    assert 1 == stop.finished.result


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_code_finds_nothing_of_the_worker(
    interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process has the worker's environment, where its token is."""
    monkeypatch.setenv("WORKER_TOKEN", "secret")
    others = _processes()  # some may have ended: of those, none can be read
    async with Interpreter.open(SandboxSettings(processes=1), tools=frozenset()):
        environments = [process.environ() for process in _processes() if process not in others]

    assert environments
    assert all("secret" not in environment.values() for environment in environments)


async def test_a_worker_without_interpreters_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sentence, before it takes any work."""
    monkeypatch.setenv("MONTY_BIN", "/nowhere/monty")

    with pytest.raises(ConfigurationError, match="cannot start interpreter processes"):
        async with Interpreter.open(SandboxSettings(processes=1), tools=frozenset()):
            pass


@pytest.mark.slow
@pytest.mark.timeout(400)  # on a busy machine each of the processes takes 10 s to start and to end
async def test_a_process_that_ran_code_exits_in_order() -> None:
    """Every time, not nine times of ten: the interpreter's threads may outlive the event loop."""
    codes = []
    for _ in range(12):
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROGRAM.format(code="1")
        )
        codes.append(await worker.wait())

    assert [0] * 12 == codes
