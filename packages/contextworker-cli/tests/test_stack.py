"""The processes of a stack together."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from contextworker.cli.errors import ChildError
from contextworker.cli.stack.plan import Folders, Plan
from contextworker.cli.stack.ports import PortWish, choose_ports
from contextworker.cli.stack.process import Program
from contextworker.cli.stack.stack import Stack


def _plan(folder: Path, code: str, *, programs: int) -> Plan:
    ports = choose_ports(*(PortWish(f"program {number}", "") for number in range(programs)))
    return Plan(
        folders=Folders(folder),
        suppliers_dir=folder,
        modules=[],
        gateway="",
        temporal="",
        ui=None,
        codec_server=None,
        first=[],
        rest=[
            Program(
                name=f"program-{port}",
                command=[sys.executable, "-c", code],
                log=folder / f"{port}.log",
                health_address=f"127.0.0.1:{port}",
            )
            for port in ports
        ],
    )


async def test_of_several_that_fail_at_once_one_is_named(tmp_path: Path) -> None:
    """A person gets one process's last words, not a traceback of them all."""
    plan = _plan(tmp_path, "import time; time.sleep(0.5); raise SystemExit('broken')", programs=4)
    # Held up, the loop learns of all the ends in one moment.
    asyncio.get_running_loop().call_later(0.4, time.sleep, 2)

    async with Stack(plan) as stack:
        with pytest.raises(ChildError, match=r"program-\d+ stopped while starting"):
            await stack.start(lambda *_: None)
