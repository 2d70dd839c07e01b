"""CSV and TSV feeds."""

from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

import polars as pl

from contextworker.harvest.feeds.blocks import Block, RawRow, Row
from contextworker.harvest.feeds.formats.header import Header
from contextworker.harvest.feeds.formats.tables.plain import PlainReader
from contextworker.harvest.feeds.formats.tables.strict import read_header, read_rows
from contextworker.harvest.feeds.formats.tables.window import Window
from contextworker.harvest.feeds.formats.text import decoding
from contextworker.harvest.messages import Feed, FeedFormat

_DEFAULT_DELIMITER = {
    FeedFormat.CSV: ",",
    FeedFormat.SHOPIFY: ",",
    FeedFormat.TSV: "\t",
    FeedFormat.GOOGLE_TSV: "\t",
}
_LEAST = 64 * 1024
_MOST = 8 * 1024 * 1024
_GROWTH = 4
_WORTH_A_FRAME = 64
_MOST_ROWS = 20_000


def read_delimited(
    path: Path, feed: Feed, *, least: int = _LEAST, most: int = _MOST
) -> Iterator[Block | Row]:
    """Yield the rows of a CSV or TSV feed.

    Args:
        path: The file.
        feed: How it is written.
        least: Of so many bytes that are not plain, the rows are read one by one.
        most: At most so many bytes are parsed at once.

    Raises:
        FeedError: The header cannot be read, or the bytes are not of the encoding.
    """
    delimiter = feed.delimiter or _DEFAULT_DELIMITER[feed.format]
    with path.open("rb") as file, decoding(path, feed):
        window = Window(file, feed)
        header = read_header(window, delimiter, size=least, source=feed.source)
        plain = PlainReader(header, delimiter)
        size, failures = most, 0
        while not window.is_empty:
            piece = window.piece(size)
            parsed = plain.read(piece, window.line) if piece is not None else None
            if piece is not None and parsed is not None:
                window.skip(len(piece), lines=parsed.lines)
                if parsed.block.frame.height:
                    yield parsed.block
                size, failures = min(size * _GROWTH, most), 0
            elif size > least:
                size = max(size // _GROWTH, least)
            else:
                stretch = min(least << failures, most)
                yield from _framed(read_rows(window, header, delimiter, size=stretch), header)
                failures += 1


def _framed(rows: Iterator[Row], header: Header) -> Iterator[Block | Row]:
    """Put rows that follow each other into frames, where they are enough to be worth it."""
    names = [name for name in header.names if name]
    for are_good, run in groupby(rows, key=lambda row: isinstance(row, RawRow)):
        if not are_good:
            yield from run
            continue
        while good := [row for row in islice(run, _MOST_ROWS) if isinstance(row, RawRow)]:
            if len(good) < _WORTH_A_FRAME:
                yield from good
            else:
                frame = pl.DataFrame(
                    {name: [row.values[name] for row in good] for name in names},
                    schema=dict.fromkeys(names, pl.String),
                )
                numbers = [row.number for row in good]
                yield Block(frame, pl.Series("number", numbers, dtype=pl.UInt32))
