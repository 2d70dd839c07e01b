"""A disk of a few megabytes that can be filled, which is gone with the process that holds it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 4096


@dataclass(frozen=True)
class Disk:
    """A tmpfs that only processes in its mount namespace see, at `path`."""

    path: Path
    pid: int

    @property
    def inside(self) -> Path:
        """The same folder, for this process, which is outside."""
        return Path(f"/proc/{self.pid}/root{self.path}")

    @property
    def enter(self) -> list[str]:
        """What to put before a command that is to see it."""
        own = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self.pid}", *own, "--mount", "--"]

    def fill(self) -> None:
        """Leave not one block free."""
        with suppress(OSError), self._filler.open("ab", buffering=0) as filler:
            while True:
                filler.write(bytes(_BLOCK))

    def free(self) -> None:
        """Give the space back."""
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self.inside / "filler"


@contextmanager
def small_disk(path: Path, *, megabytes: int) -> Iterator[Disk | None]:
    """Hold a disk while the block runs; None where this machine does not let us make one."""
    path.mkdir(parents=True)
    if not (shutil.which("unshare") and shutil.which("nsenter") and shutil.which("setpriv")):
        yield None
        return
    mount = f"mount -t tmpfs -o size={megabytes}m,mode=777 chaos {path} && echo ready && exec cat"
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["setpriv", "--pdeathsig=KILL", "unshare", *root, "--mount", "sh", "-c", mount]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as holder:
        assert holder.stdout is not None
        is_ready = holder.stdout.readline() == b"ready\n"
        try:
            yield Disk(path, holder.pid) if is_ready else None
        finally:
            holder.kill()
