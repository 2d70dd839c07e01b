"""XLSX feeds."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import Row
from contextworker.harvest.feeds.formats.header import Header
from contextworker.harvest.messages import Feed

# A sheet is read as one block from its first cell to its last, at 32 bytes a cell, full or not.
_MAX_CELLS = 20_000_000
_CELL = re.compile(rb'<(?:\w+:)?c\s[^<>]*?\br="([A-Z]{1,3})(\d{1,7})"[^<>]*(?<!/)>')
_CHUNK = 1024 * 1024
_LONGEST_TAG = 1000


def check_workbook(path: Path, *, source: str, max_bytes: int) -> None:
    """Refuse a workbook too large to be read: its sheets are held in memory.

    Raises:
        FeedError: It unpacks to more than `max_bytes`, cannot be unpacked, or has a cell so far out
            that the block before it would not fit in memory.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > max_bytes:
                raise FeedError(
                    f"the workbook {source} unpacks to {unpacked:,} bytes, more than the "
                    f"{max_bytes:,} allowed; ask the supplier for a CSV export"
                )
            for entry in entries:
                # Reading an entry to its end also finds out where its stated size is a lie.
                with archive.open(entry) as content:
                    columns, rows = _extent(content)
                if columns * rows > _MAX_CELLS:
                    raise FeedError(
                        f"the workbook {source} has cells as far out as row {rows:,} and column "
                        f"{columns:,}, too far to be read; delete what stands beside the table, "
                        "or save it as CSV"
                    )
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError) as error:
        raise FeedError(
            f"the workbook {source} is damaged ({error}); ask the supplier for a new export"
        ) from error


def _extent(content: IO[bytes]) -> tuple[int, int]:
    """Return the last column and the last row, from 1, that have a cell with something in it."""
    last_column = last_row = 0
    rest = b""
    while chunk := content.read(_CHUNK):
        text = rest + chunk
        for column, row in _CELL.findall(text):
            last_column = max(last_column, _column_number(column))
            last_row = max(last_row, int(row))
        rest = text[-_LONGEST_TAG:]
    return last_column, last_row


@lru_cache(maxsize=20_000)
def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def read_xlsx(path: Path, feed: Feed) -> Iterator[Row]:
    """Yield the rows of a workbook's sheet; the first non-blank row is the header.

    Raises:
        FeedError: The workbook cannot be read, or has no such sheet.
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
            header = Header(values, source=feed.source)
    if header is None:
        raise FeedError(f"the feed {feed.source} is empty; ask the supplier for a new export")


def _sheet(workbook: CalamineWorkbook, feed: Feed) -> CalamineSheet:
    names: Sequence[str] = workbook.sheet_names
    if feed.sheet is None:
        for sheet in workbook.sheets_metadata:
            if (sheet.typ, sheet.visible) == (SheetTypeEnum.WorkSheet, SheetVisibleEnum.Visible):
                return workbook.get_sheet_by_name(sheet.name)
        raise FeedError(
            f"the workbook {feed.source} has no sheet to be seen; set sheet to its name"
        )
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
