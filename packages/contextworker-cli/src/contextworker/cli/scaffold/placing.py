"""Puts new files and changed ones in their places: all of them, or none."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from contextworker.cli.errors import ScaffoldError


@contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """Give a folder to prepare files in, on the disk where they will go; nothing of it stays."""
    folder = Path(mkdtemp(prefix=".new-module-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(stage: Path, new: Path, target: Path, changed: Mapping[Path, bytes]) -> None:
    """Move new files to the same paths under the target, and give other files new content.

    Whatever stops it, a full disk or Ctrl-C, everything done until then is undone: all that needs
    room on the disk is written first, and what follows only renames.

    Args:
        stage: A folder of `staging`.
        new: The new files, somewhere in it.
        target: Where they go.
        changed: The whole new content of files that are there.

    Raises:
        ScaffoldError: Something is in the way of a new file; it is left alone.
    """
    moves = list(_moves(new, target))
    swaps = [
        (_written(stage / f"changed-{number}", path, content), path)
        for number, (path, content) in enumerate(changed.items())
    ]
    before = [
        (_written(stage / f"before-{number}", path, path.read_bytes()), path)
        for number, path in enumerate(changed)
    ]
    with ExitStack() as undo:
        for source, destination in moves:
            undo.callback(_move_back, destination, source)
            shutil.move(source, destination)
        for (after, path), (earlier, _) in zip(swaps, before, strict=True):
            undo.callback(earlier.replace, path)
            after.replace(path)
        undo.pop_all()


def _moves(staged: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    for source in sorted(staged.iterdir()):
        destination = target / source.name
        if not os.path.lexists(destination):
            yield source, destination
        elif source.is_dir() and destination.is_dir():
            yield from _moves(source, destination)
        else:
            raise ScaffoldError(
                f"{destination} exists already, and is left alone: choose another name, or move it "
                "away."
            )


def _move_back(destination: Path, source: Path) -> None:
    if os.path.lexists(destination) and not os.path.lexists(source):
        shutil.move(destination, source)


def _written(beside: Path, path: Path, content: bytes) -> Path:
    """Write content that will take a file's place; returns where it is until then."""
    beside.write_bytes(content)
    shutil.copymode(path, beside)
    return beside
