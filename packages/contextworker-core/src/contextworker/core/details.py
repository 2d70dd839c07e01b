"""What Temporal's UI shows of a run while it is open: how far it is, and what it counted.

It is kept by the worker, told when somebody looks, and takes no event of the history.
"""

from collections.abc import Mapping
from typing import Final

from temporalio import workflow

from contextworker.core.messages import Progress

MAX_BYTES: Final = 4000
_MAX_CHARACTERS: Final = 200
_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in "\\`*[]<>#!"})


def show_details(progress: Progress, counts: Mapping[str, int | str | None] | None = None) -> None:
    """Set the current details of the workflow in hand; call it when its progress changes.

    Args:
        progress: What the query `progress` answers.
        counts: More to tell, such as rejected rows by reason; those without a value are left out.
            Only what a history may hold: it is shown to whoever may see the run.
    """
    workflow.set_current_details(details_of(progress, counts))


def details_of(progress: Progress, counts: Mapping[str, int | str | None] | None = None) -> str:
    """Write progress and counts as Markdown, within `MAX_BYTES`."""
    lines = [_headline(progress)]
    rows = [
        f"- {escaped(name)}: {_counted(value)}"
        for name, value in (counts or {}).items()
        if value is not None
    ]
    if rows:
        lines += ["", *rows]
    return _bounded(lines)


def escaped(text: str) -> str:
    """Make text plain in Markdown: no links, pictures or tags come of it."""
    line = " ".join(text.split()).translate(_SPECIAL)
    return line if len(line) <= _MAX_CHARACTERS else line[: _MAX_CHARACTERS - 1].rstrip("\\") + "…"


def _headline(progress: Progress) -> str:
    stage = f"**{escaped(progress.stage)}**"
    unit = escaped(progress.unit)
    if progress.total is not None:
        return f"{stage}: {progress.done:,} of {progress.total:,} {unit}"
    return f"{stage}: {progress.done:,} {unit}" if progress.done else stage


def _counted(value: int | str | None) -> str:
    return f"{value:,}" if isinstance(value, int) else escaped(str(value))


def _bounded(lines: list[str]) -> str:
    size = 0
    for index, line in enumerate(lines):
        size += len(line.encode(errors="replace")) + 1
        if size > MAX_BYTES:
            return "\n".join([*lines[:index], "", "… and more"])
    return "\n".join(lines)
