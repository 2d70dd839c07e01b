"""A supervised child: its end, its log, and its death with the parent."""

import asyncio
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from contextworker.cli.errors import ChildError
from contextworker.cli.stack.ports import PortWish, choose_ports
from contextworker.cli.stack.process import Child, Program, exit_text, tail

STUBBORN = "import signal,time; signal.signal(15, signal.SIG_IGN); print('here', flush=True)\n"


def _program(tmp_path: Path, code: str, *, grace_s: float = 60) -> Program:
    (port,) = choose_ports(PortWish("x", ""))
    return Program(
        name="child",
        command=[sys.executable, "-c", code],
        log=tmp_path / "logs" / "child.log",
        health_address=f"127.0.0.1:{port}",
        env={},
        grace_s=grace_s,
    )


async def _logged(child: Child, text: str) -> None:
    async with asyncio.timeout(60):
        while text not in "".join(tail(child.program.log)):
            await asyncio.sleep(0.01)


async def test_a_child_that_ends_while_starting_is_reported_with_its_log(tmp_path: Path) -> None:
    """The failure names the exit code and carries what the process said last."""
    child = Child(_program(tmp_path, "import sys; print('no such file'); sys.exit(3)"))
    await child.start()
    with pytest.raises(ChildError) as caught:
        await child.ready(60)
    assert "child stopped while starting (exit code 3)." == str(caught.value)
    expected = (f"its log: {tmp_path}/logs/child.log", "  │ no such file")
    assert expected == caught.value.details


@pytest.mark.skipif(sys.platform != "linux", reason="the guard is Linux only")
async def test_a_program_that_cannot_be_run_is_a_sentence(tmp_path: Path) -> None:
    """A broken binary on PATH is named in the log, without a traceback of the guard."""
    broken = tmp_path / "broken"
    broken.write_text("garbage")
    broken.chmod(0o755)
    child = Child(replace(_program(tmp_path, ""), command=[str(broken)]))
    await child.start()
    with pytest.raises(ChildError) as caught:
        await child.ready(60)
    assert f"  │ {broken} cannot be run: Exec format error" == caught.value.details[1]


async def test_a_child_that_never_gets_ready_is_reported(tmp_path: Path) -> None:
    """Waiting has an end, and the process can be stopped after it."""
    child = Child(_program(tmp_path, "import time; time.sleep(60)"))
    await child.start()
    with pytest.raises(ChildError, match=r"did not get ready within 0.2 s"):
        await child.ready(0.2)
    await child.stop()
    assert -signal.SIGTERM == child.returncode


async def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    """No process outlives a stop."""
    child = Child(_program(tmp_path, STUBBORN + "time.sleep(60)", grace_s=0.1))
    await child.start()
    await _logged(child, "here")
    await child.stop()
    assert -signal.SIGKILL == child.returncode


async def test_an_interrupted_stop_kills(tmp_path: Path) -> None:
    """A second Ctrl-C does not wait for the grace."""
    child = Child(_program(tmp_path, STUBBORN + "time.sleep(60)", grace_s=60))
    await child.start()
    await _logged(child, "here")
    stopping = asyncio.create_task(child.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    assert -signal.SIGKILL == await child.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part of the guard is Linux only")
def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Kill -9 of the parent leaves nothing, though nobody could clean up."""
    script = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from contextworker.cli.stack.process import Child, Program

        async def main():
            child = Child(Program(name="x", command=["/bin/sleep", "600"], log=Path("x.log")))
            await child.start()
            print(child.pid, flush=True)
            await child.wait()

        asyncio.run(main())
        """
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        end = time.monotonic() + 60
        while child.name() != "sleep":  # until then it is the guard, which looks for its parent
            assert time.monotonic() < end
            time.sleep(0.01)
        parent.kill()
    _, left = psutil.wait_procs([child], timeout=30)
    for process in left:
        process.kill()
    assert [] == left


@pytest.mark.parametrize(
    ("code", "expected"), [(1, "exit code 1"), (-9, "killed by SIGKILL"), (-99, "exit code -99")]
)
def test_an_exit_code_is_said_in_words(code: int, expected: str) -> None:
    """A signal has a name."""
    assert expected == exit_text(code)


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    """Only the end of a long log is read, blank lines left out."""
    log = tmp_path / "x.log"
    log.write_bytes(b"x" * 200_000 + b"\none\n\ntwo \xff\n")
    assert ["one", "two �"] == tail(log, 2)


def test_the_tail_of_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    """A process that never started wrote nothing."""
    assert [] == tail(tmp_path / "x.log")
