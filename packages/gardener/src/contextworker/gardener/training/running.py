"""Run a training in a process of its own, and hear how far it is."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from contextworker.core.errors import InvalidInputError, TransientError
from contextworker.core.messages import Progress
from contextworker.gardener.training import program

_SIGNALLED: Final = "the process that trained was ended by signal {}; it may lack memory"


async def run_training(folder: Path, tell: Callable[[Progress], None]) -> dict[str, Any]:
    """Train in a folder laid out for it, and return the outcome.

    Cancelled, or with this process gone, the training ends at once.

    Raises:
        InvalidInputError: The examples do not allow it; says why.
        TransientError: It broke off.
    """
    # Not multiprocessing: a child of that imports whatever program this process is once more.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", program.__name__, os.fspath(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Sets go through their members in another order in each process, and sums of floats with
        # them: the same examples are to be the same model.
        # Files of its own stand in its folder, too, and go with it.
        env={**os.environ, "PYTHONHASHSEED": "0", "TMPDIR": os.fspath(folder)},
    )
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            tell(Progress(unit="steps", **json.loads(line)))
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code < 0:
        raise TransientError(_SIGNALLED.format(-code))
    if code:
        raise TransientError(f"the process that trained ended with {code}; its log says why")
    outcome: dict[str, Any] = await asyncio.to_thread(_read, folder / program.OUTCOME)
    if refused := outcome.get("refused"):
        raise InvalidInputError(refused)
    return outcome


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
