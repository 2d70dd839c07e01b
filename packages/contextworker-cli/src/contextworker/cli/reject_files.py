"""Rejects in a file: a table for people, or an object a line for programs."""

import csv
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from contextworker.brain import Brain, Reject
from contextworker.cli.errors import CliError, UsageError

_PAGE = 1_000
_FACTS = ("run_id", "source", "row_number", "reason_code", "reason", "resolved_run_id")
_MOST_COLUMNS = 5_000

Write = Callable[[Sequence[Reject]], None]


class ExportForm(StrEnum):
    """How rejects are written, by the file's ending."""

    CSV = ".csv"
    JSONL = ".jsonl"


def export_form(file: Path) -> ExportForm:
    """Return the form that a file's ending asks for.

    Raises:
        UsageError: It asks for none.
    """
    try:
        return ExportForm(file.suffix.lower())
    except ValueError:
        raise UsageError(
            f"{file} says not how to write rejects: let its name end in .csv or .jsonl."
        ) from None


async def export_rejects(
    brain: Brain, tenant: str, file: Path, form: ExportForm, **which: Any
) -> int:
    """Write rejects, page by page, and return how many; the file is replaced when it is whole.

    Args:
        brain: Where they are.
        tenant: Whose.
        file: Where to.
        form: How.
        which: As `Brain.list_rejects` takes it.

    Raises:
        CliError: The file cannot be written.
    """
    columns: tuple[str, ...] = ()
    if form is ExportForm.CSV:  # a table's columns come before its rows
        columns = await _columns(brain, tenant, which)
    count = 0
    with _replacing(file, form) as stream:
        write = _table(stream, columns) if form is ExportForm.CSV else _lines(stream)
        async for page in _pages(brain, tenant, which):
            write(page)
            count += len(page)
    return count


async def _pages(brain: Brain, tenant: str, which: dict[str, Any]) -> AsyncIterator[list[Reject]]:
    after = None
    while page := await brain.list_rejects(tenant, limit=_PAGE, after=after, **which):
        yield page
        after = page[-1].cursor


async def _columns(brain: Brain, tenant: str, which: dict[str, Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    async for page in _pages(brain, tenant, which):
        for reject in page:
            if len(found) < _MOST_COLUMNS:
                found |= dict.fromkeys(reject.raw)
    return tuple(found)


def _lines(stream: TextIO) -> Write:
    def write(page: Sequence[Reject]) -> None:
        for reject in page:
            row = json.dumps(reject.model_dump(mode="json"), ensure_ascii=False)
            stream.write(row + "\n")

    return write


def _table(stream: TextIO, columns: Sequence[str]) -> Write:
    writer = csv.writer(stream)
    # What the feed calls like one of ours is told apart.
    writer.writerow([*_FACTS, *(f"row.{name}" if name in _FACTS else name for name in columns)])

    def write(page: Sequence[Reject]) -> None:
        for reject in page:
            facts = (getattr(reject, name) for name in _FACTS)
            writer.writerow([*facts, *(_cell(reject.raw.get(name)) for name in columns)])

    return write


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


@contextmanager
def _replacing(file: Path, form: ExportForm) -> Iterator[TextIO]:
    """Open a file beside this one, which takes its place when the block is through."""
    beside = file.with_name(f".{file.name}.part")
    # Spreadsheets take a CSV file for UTF-8 only where it begins with the mark.
    encoding = "utf-8-sig" if form is ExportForm.CSV else "utf-8"
    try:
        with beside.open("w", encoding=encoding, newline="") as stream:
            yield stream
        beside.replace(file)
    except OSError as error:
        raise CliError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        beside.unlink(missing_ok=True)
