"""XLSX feeds."""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from contextworker.harvest.errors import FeedError
from contextworker.harvest.formats.header import Header
from contextworker.harvest.formats.rows import Row
from contextworker.harvest.messages import Feed


def check_workbook(path: Path, *, source: str, max_bytes: int) -> None:
    """Refuse a workbook too large to be read: its sheets are held in memory.

    Raises:
        FeedError: It unpacks to more than `max_bytes`, or cannot be unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise FeedError(
            f"the workbook {source} is damaged ({error}); ask the supplier for a new export"
        ) from error
    if unpacked > max_bytes:
        raise FeedError(
            f"the workbook {source} unpacks to {unpacked:,} bytes, more than the {max_bytes:,} "
            "allowed; ask the supplier for a CSV export"
        )


def read_xlsx(path: Path, feed: Feed, columns: frozenset[str]) -> Iterator[Row]:
    """Yield the rows of a workbook's sheet; the first non-blank row is the header.

    Raises:
        FeedError: The workbook cannot be read, has no such sheet, or lacks a column.
    """
    try:
        workbook = CalamineWorkbook.from_path(path)
        rows = _sheet(workbook, feed).iter_rows()
    except CalamineError as error:
        raise FeedError(
            f"the workbook {feed.source} cannot be read ({error}); ask the supplier to save it anew"
        ) from error
    header: Header | None = None
    for number, cells in enumerate(rows, start=1):
        values = [_plain(cell) for cell in cells]
        if header is not None:
            if (row := header.row(number, values)) is not None:
                yield row
        elif any(value != "" for value in values):
            header = Header(values, needed=columns, source=feed.source)
    if header is None:
        raise FeedError(f"the feed {feed.source} is empty; ask the supplier for a new export")


def _sheet(workbook: CalamineWorkbook, feed: Feed) -> CalamineSheet:
    names: Sequence[str] = workbook.sheet_names
    if feed.sheet is None:
        return workbook.get_sheet_by_index(0)
    if feed.sheet not in names:
        raise FeedError(
            f"the workbook {feed.source} has no sheet {feed.sheet!r}; "
            f"it has {', '.join(map(repr, names))}"
        )
    return workbook.get_sheet_by_name(feed.sheet)


def _plain(cell: Any) -> Any:
    """Give numbers back as they look in the sheet: Excel keeps 1042 as 1042.0."""
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return cell
