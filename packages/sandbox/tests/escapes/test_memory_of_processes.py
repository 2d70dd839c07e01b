"""Balloons as the system sees them: how large an interpreter process becomes."""

import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from hostile_programs import hostile_programs

from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Ended
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.settings import SandboxSettings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there are peaks to be read")

_OWN_MIB = 40  # docs/sizing.md, and README.md beside this folder
_BALLOONS = [
    program
    for program in hostile_programs()
    if program.kind in ("memory", "formats", "output", "nesting")
]


@pytest_asyncio.fixture(loop_scope="session")
async def alone() -> AsyncIterator[tuple[Interpreter, list[psutil.Process]]]:
    """One process, to be watched."""
    before = psutil.Process().children()
    async with Interpreter.open(SandboxSettings(processes=1), tools=frozenset()) as opened:
        yield opened, before


def _peak_mib(others: list[psutil.Process]) -> int:
    """Return the most that any process but those has held at once, in MiB; 0 where it has gone."""
    peak = 0
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, OSError):  # it may go while it is looked at
            if process not in others and process.name() == "monty":
                for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        peak = max(peak, int(line.split()[1]) // 1024)
    return peak


@pytest.mark.parametrize(
    "names",
    [
        {"a list that doubles", "replacing a letter by a megabyte"},
        pytest.param({program.name for program in _BALLOONS}, marks=pytest.mark.slow),
    ],
    ids=["two", "every"],
)
async def test_a_balloon_bursts_before_the_process_is_large(
    alone: tuple[Interpreter, list[psutil.Process]], names: set[str]
) -> None:
    """What code may hold, and as much more as the sizing of workers counts for each process."""
    interpreter, others = alone
    peaks = {}
    for program in _BALLOONS:
        if program.name in names:
            stop = await interpreter.start(program.source, {}, tenant_id="hostile", limits=DEFAULT)
            assert isinstance(stop, Ended)
            peaks[program.name] = _peak_mib(others)

    assert names == peaks.keys()
    most = DEFAULT.memory_mib + _OWN_MIB
    assert {} == {name: peak for name, peak in peaks.items() if peak > most}
