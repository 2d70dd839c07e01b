"""XLSX, XLS and ODS feeds: the rows of one sheet."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats.columns import blocks
from contextworker.harvest.feeds.formats.header import Header
from contextworker.harvest.feeds.formats.workbooks.workbook import is_protected
from contextworker.harvest.messages import Feed

_ROWS = 20_000

Cells = Sequence[Any]


def read_sheet(path: Path, feed: Feed) -> Iterator[Block | Row]:
    """Yield the rows of a workbook's sheet; the first row that is not blank is the header.

    Raises:
        FeedError: The workbook cannot be read, or has no such sheet.
    """
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheet = _sheet(workbook, feed)
    except CalamineError as error:
        if is_protected(path):
            raise FeedError(
                f"the workbook {feed.source} is protected by a password; "
                "ask the supplier for one without"
            ) from error
        raise FeedError(
            f"the workbook {feed.source} cannot be read ({error}); ask the supplier to save it anew"
        ) from error
    yield from _rows(sheet, feed.source)


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


def _rows(sheet: CalamineSheet, source: str) -> Iterator[Block | Row]:
    rows = enumerate(sheet.iter_rows(), start=1)
    top, names = next(((at, cells) for at, cells in rows if not _is_blank(cells)), (0, None))
    if names is None:
        raise FeedError(f"the feed {source} is empty; ask the supplier for a new export")
    header = Header([_plain(cell) for cell in names], source=source)
    mixed = _mixed_columns(sheet, skip=top)
    while chunk := list(islice(rows, _ROWS)):
        yield from _blocks([row for row in chunk if not _is_blank(row[1])], header, mixed)


def _mixed_columns(sheet: CalamineSheet, *, skip: int) -> frozenset[int]:
    """Return which columns hold texts as well as numbers, in any row of the sheet.

    They are texts then, all of them: what a cell means does not change with the rows around it.
    """
    rows = islice(sheet.iter_rows(), skip, None)
    types: dict[int, set[type]] = defaultdict(set)
    while chunk := list(islice(rows, _ROWS)):
        for index, cells in enumerate(zip(*chunk, strict=True)):
            found = set(map(type, cells))
            if len(found) > 1 and str in found and "" in cells:
                found = {type(cell) for cell in cells if cell != ""}
            types[index] |= found
    return frozenset(
        index for index, found in types.items() if str in found and found & {int, float}
    )


def _blocks(
    chunk: list[tuple[int, list[Any]]], header: Header, mixed: frozenset[int]
) -> Iterator[Block | Row]:
    if not chunk:
        return
    numbers, rows = zip(*chunk, strict=True)
    width = len(header.names)
    cells = list(zip(*rows, strict=True))
    names = {name: index for index, name in enumerate(header.names) if name}
    columns = {
        name: _column(cells[index], is_mixed=index in mixed) for name, index in names.items()
    }

    def row(index: int) -> Row:
        values = {name: _plain(column[index]) for name, column in columns.items()}
        beyond = [_plain(cell) for cell in rows[index][width:] if cell != ""]
        if not beyond:
            return RawRow(numbers[index], values)
        return BadRow(
            numbers[index],
            "ragged_row",
            "the row has cells where the header has no name for a column",
            {**values, "(beyond the last column)": beyond},
        )

    bad = [index for index, found in enumerate(rows) if not _is_blank(found[width:])]
    yield from blocks(numbers, tuple(names), columns.values(), row, odd=bad)


def _column(cells: Cells, *, is_mixed: bool) -> Cells:
    """Give numbers back as they look in the sheet: Excel keeps 1042 as 1042.0."""
    types = set(map(type, cells))
    if is_mixed:
        return [_text(cell) for cell in cells]
    if types <= {str, float} or types <= {str, bool}:
        return cells
    return [_plain(cell) for cell in cells]


def _text(cell: Any) -> Any:
    cell = _plain(cell)
    # A fraction stays a number: as a text it would have to be said what its decimal mark is.
    return str(cell) if type(cell) is int else cell


def _plain(cell: Any) -> Any:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return cell


def _is_blank(cells: Cells) -> bool:
    return cells.count("") == len(cells)
