"""Delimited rows one by one, as Python's csv module parts them: what every faster way must equal.

Quoting is strict, so that a stray quote costs one row and never swallows those after it unnoticed.
"""

import csv
from collections.abc import Iterator
from itertools import islice

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Row
from contextworker.harvest.feeds.formats.header import Header
from contextworker.harvest.feeds.formats.tables.window import Window

_BYTE_ORDER_MARK = "\ufeff"


class _Lines:
    """The window's lines, remembering how the last one ended: a feed may be cut off."""

    def __init__(self, window: Window, size: int) -> None:
        self._window = window
        self._size = size
        self._lines: list[str] = []
        self._next = 0
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.is_used_up:
            self.close()
            if self._window.is_empty:
                raise StopIteration
            self._lines = self._window.lines(self._size)
        self.last = self._lines[self._next]
        self._next += 1
        if self._window.is_at_start and self._next == 1:  # utf-16-le and the like leave it in
            return self.last.removeprefix(_BYTE_ORDER_MARK)
        return self.last

    @property
    def is_used_up(self) -> bool:
        return self._next == len(self._lines)

    @property
    def cut_off(self) -> bool:
        return not self.last.endswith(("\n", "\r"))

    def close(self) -> None:
        """Take from the window what was read, and nothing more."""
        size = sum(len(line.encode()) for line in islice(self._lines, self._next))
        self._window.skip(size, lines=self._next)
        self._lines, self._next = [], 0


def read_header(window: Window, delimiter: str, *, size: int, source: str) -> Header:
    """Read up to the end of the first row that is not blank.

    Raises:
        FeedError: There is none, or it cannot be read.
    """
    lines = _Lines(window, size)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        cells = next((row for row in reader if row), None)
    except csv.Error as error:
        raise FeedError(f"the header of the feed {source} cannot be read: {error}") from error
    if cells is None:
        raise FeedError(f"the feed {source} is empty; ask the supplier for a new export")
    lines.close()
    return Header(cells, source=source)


def read_rows(window: Window, header: Header, delimiter: str, *, size: int) -> Iterator[Row]:
    """Yield the rows that begin in the next so many bytes."""
    lines = _Lines(window, size)
    first = window.line
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    is_first = True
    while is_first or not lines.is_used_up:
        is_first = False
        number = first + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield _unreadable(number, first + reader.line_num - 1, lines, error)
            continue
        row = header.row(number, cells, cut_off=lines.cut_off)
        if row is not None:
            yield row
    lines.close()


def _unreadable(first: int, last: int, source: _Lines, error: csv.Error) -> BadRow:
    if "end of data" in str(error):
        reason = f"a quote opened on line {first} is never closed: the feed may be cut off there"
        return BadRow(first, "cut_off", reason, {"line": source.last})
    where = f"line {first}" if first >= last else f"lines {first} to {last}"
    return BadRow(
        first,
        "bad_quotes",
        f"{where} cannot be read as a row ({error}); quotes inside a text must be doubled",
        {"line": source.last},
    )
