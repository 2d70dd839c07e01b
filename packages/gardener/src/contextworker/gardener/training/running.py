"""Run a training in a process of its own, and hear how far it is."""

import asyncio
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from contextworker.core.errors import InvalidInputError, TransientError
from contextworker.core.messages import Progress
from contextworker.gardener.training import program

_log = logging.getLogger(__name__)
_MOST_BYTES: Final = 3_000  # the last of what it said, where a traceback's error stands
_SIGNALLED: Final = "the process that trained was ended by signal {}; it may lack memory"


async def run_training(folder: Path, tell: Callable[[Progress], None]) -> dict[str, Any]:
    """Train in a folder laid out for it, and return the outcome.

    Cancelled, or with this process gone, the training ends at once.

    Raises:
        InvalidInputError: The examples do not allow it; says why.
        TransientError: It broke off.
    """
    with tempfile.TemporaryFile(dir=folder) as said:
        try:
            code = await _run(folder, tell, said)
        finally:
            _tell_log(said)
    if code < 0:
        raise TransientError(_SIGNALLED.format(-code))
    if code:
        raise TransientError(f"the process that trained ended with {code}; the log says why")
    outcome: dict[str, Any] = await asyncio.to_thread(_read, folder / program.OUTCOME)
    if refused := outcome.get("refused"):
        raise InvalidInputError(refused)
    return outcome


async def _run(folder: Path, tell: Callable[[Progress], None], said: IO[bytes]) -> int:
    # Not multiprocessing: a child of that imports whatever program this process is once more.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", program.__name__, os.fspath(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=said,
        # Sets go through their members in another order in each process, and sums of floats with
        # them: the same examples are to be the same model.
        # Files of its own stand in its folder, too, and go with it.
        env={**os.environ, "PYTHONHASHSEED": "0", "TMPDIR": os.fspath(folder)},
    )
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            tell(Progress(unit="steps", **json.loads(line)))
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _tell_log(said: IO[bytes]) -> None:
    """Log what it wrote to standard error, as of the activity in hand: the last of it."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - _MOST_BYTES))
    if text := said.read().decode(errors="replace").strip():
        _log.warning("the process that trains said: %s", text)


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
