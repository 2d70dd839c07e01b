"""Puts new files and changed ones in their places: all of them, or none."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from contextworker.cli.errors import ScaffoldError

_PREFIX = ".new-module-"
# In a stage whose files are on their way to their places: what it takes to undo that.
_JOURNAL = "journal.json"


@contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """Give a folder to prepare files in, on the disk where they will go; nothing of it stays."""
    folder = Path(mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(stage: Path, new: Path, target: Path, changed: Mapping[Path, bytes]) -> None:
    """Move new files to the same paths under the target, and give other files new content.

    Whatever stops it, a full disk or Ctrl-C, everything done until then is undone: all that needs
    room on the disk is written first, and what follows only renames. What a kill leaves behind is
    for `recover`.

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
    steps = [
        *([str(source), str(destination), None] for source, destination in moves),
        *(
            [str(after), str(path), str(earlier)]
            for (after, path), (earlier, _) in zip(swaps, before, strict=True)
        ),
    ]
    (stage / "steps").write_text(json.dumps(steps))
    (stage / "steps").rename(stage / _JOURNAL)
    try:
        for source, destination in moves:
            shutil.move(source, destination)
        for after, path in swaps:
            after.replace(path)
    except BaseException:
        _undo(stage)
        raise
    (stage / _JOURNAL).unlink()


def recover(parent: Path) -> None:
    """Undo what was being placed when its process was killed; only one may be at work.

    Raises:
        ScaffoldError: Somebody has changed some of it since; it is left alone.
    """
    for stage in sorted(parent.glob(f"{_PREFIX}*/")):
        if (stage / _JOURNAL).exists():
            _refuse_touched(stage)
            _undo(stage)
        shutil.rmtree(stage)


def _done(stage: Path) -> list[tuple[Path, Path, Path | None]]:
    """Return the steps that were taken: what went where, and what had been there."""
    steps = [
        (Path(source), Path(place), earlier and Path(earlier))
        for source, place, earlier in json.loads((stage / _JOURNAL).read_text())
    ]
    return [step for step in steps if not os.path.lexists(step[0]) and os.path.lexists(step[1])]


def _undo(stage: Path) -> None:
    for source, place, earlier in reversed(_done(stage)):
        if earlier is None:
            shutil.move(place, source)
        elif earlier.exists():
            earlier.replace(place)
    (stage / _JOURNAL).unlink()


def _refuse_touched(stage: Path) -> None:
    """Refuse to undo what is newer than the journal: everything placed was written before it."""
    killed = (stage / _JOURNAL).stat().st_mtime_ns
    for _, place, _ in _done(stage):
        for path in (place, *place.rglob("*")):
            if path.is_file() and path.stat().st_mtime_ns > killed:
                raise ScaffoldError(
                    f"An earlier new-module was killed in the middle, and {path} was changed "
                    "since: see `git status`, finish what it made or take it back, then remove "
                    f"{stage}."
                )


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


def _written(beside: Path, path: Path, content: bytes) -> Path:
    """Write content that will take a file's place; returns where it is until then."""
    beside.write_bytes(content)
    shutil.copymode(path, beside)
    return beside
