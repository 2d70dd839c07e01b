"""A clone of this repository, or a project outside it, with an environment of its own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from running_system import ROOT, SCRIPTS


@dataclass(frozen=True)
class Project:
    """A folder that uv manages, with its own `.venv`."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str | Path) -> str:
        """Run a command in the folder to its end; a program of its environment by its bare name."""
        program = self.program(str(command[0]))
        done = subprocess.run(
            [program, *map(str, command[1:])],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, f"{command} failed:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def program(self, name: str) -> str:
        """Return where a program of the project's environment is; else its name as it stands."""
        own = self.folder / ".venv" / ("Scripts" if sys.platform == "win32" else "bin") / name
        return str(own) if own.exists() else name

    def sync(self) -> None:
        """Make the environment; packages come from uv's shared cache."""
        self.run("uv", "sync", "--quiet", "--python", sys.executable)

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment without what points at its own virtual environment."""
        mine = {key: text for key, text in os.environ.items() if key != "VIRTUAL_ENV"}
        return mine | self.settings


def clone(folder: Path) -> Project:
    """Copy what is committed here, and what would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for path in filter(None, listed.split("\0")):
        if (ROOT / path).is_file():  # one that is deleted is still listed
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
    return Project(folder)


def new_module(cwd: Path, *arguments: str) -> None:
    """Run the `contextworker new-module` of this repository in a folder."""
    subprocess.run([SCRIPTS / "contextworker", "new-module", *arguments], cwd=cwd, check=True)
