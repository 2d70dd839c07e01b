"""Other programs, run to their end: what they printed, or why they failed."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from contextworker.cli.errors import ReleaseError

_SHOWN = 30  # lines


def run(
    program: str,
    *arguments: str | Path,
    cwd: Path,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return what it printed on stdout, without the last line's end.

    Raises:
        ReleaseError: It is not installed, or failed; with what it said.
    """
    found = shutil.which(program)
    if found is None:
        raise ReleaseError(f"{program} is not installed, or not on PATH; releasing needs it.")
    command = [found, *map(str, arguments)]
    done = subprocess.run(  # noqa: S603 - git and uv, with arguments of our own
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        told = f"{done.stdout}\n{done.stderr}".strip() or "It said nothing."
        raise ReleaseError(f"`{program} {arguments[0]}` failed:", told.splitlines()[-_SHOWN:])
    return done.stdout.rstrip("\n")
