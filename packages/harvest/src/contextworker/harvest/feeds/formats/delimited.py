"""CSV and TSV feeds."""

import csv
from collections.abc import Iterator
from pathlib import Path

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Row
from contextworker.harvest.feeds.formats.header import Header
from contextworker.harvest.feeds.formats.text import lines, open_text
from contextworker.harvest.messages import Feed, FeedFormat

_DEFAULT_DELIMITER = {FeedFormat.CSV: ",", FeedFormat.TSV: "\t"}


class _Lines:
    """The file's lines, remembering how the last one ended: a feed may be cut off."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last = next(self._source)
        return self.last

    @property
    def cut_off(self) -> bool:
        return not self.last.endswith(("\n", "\r"))


def read_delimited(path: Path, feed: Feed) -> Iterator[Row]:
    """Yield the rows of a CSV or TSV feed.

    Quoting is strict, so that a stray quote costs one row and never swallows those after it
    unnoticed.

    Raises:
        FeedError: The header cannot be read, or the bytes are not of the encoding.
    """
    delimiter = feed.delimiter or _DEFAULT_DELIMITER[feed.format]
    with open_text(path, feed) as file:
        source = _Lines(lines(file, feed))
        reader = csv.reader(source, delimiter=delimiter, strict=True)
        try:
            cells = next((row for row in reader if row), None)
        except csv.Error as error:
            raise FeedError(
                f"the header of the feed {feed.source} cannot be read: {error}"
            ) from error
        if cells is None:
            raise FeedError(f"the feed {feed.source} is empty; ask the supplier for a new export")
        header = Header(cells, source=feed.source)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield _unreadable(number, reader.line_num, source, error)
                continue
            row = header.row(number, cells, cut_off=source.cut_off)
            if row is not None:
                yield row


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
