"""The wall clock of single processes, which can be set ahead or back while they run."""

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


@dataclass(frozen=True)
class Clocks:
    """A compiled shim, and a file for each process that says how far its clock is off."""

    folder: Path
    shim: Path

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables that give a process a clock of its own, which is right."""
        self.set(name, 0)
        return {"LD_PRELOAD": str(self.shim), "CHAOS_CLOCK": str(self._file(name))}

    def set(self, name: str, seconds: float) -> None:
        """Set a process's clock so far ahead of the right time; below 0: back."""
        with self._file(name).open("r+b" if self._file(name).exists() else "wb") as file:
            file.write(struct.pack("d", seconds))

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.offset"


@contextmanager
def clocks() -> Iterator[Clocks | None]:
    """Compile the shim for as long as the block runs; None where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="chaos-clocks-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        shim = folder / "clock.so"
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(shim), str(_SOURCE), "-ldl"]
        subprocess.run(command, check=True)
        yield Clocks(folder, shim)
