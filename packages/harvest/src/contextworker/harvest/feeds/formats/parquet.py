"""Parquet feeds, read a slice at a time, however large their row groups are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from contextworker.harvest.errors import FeedError, FeedTruncatedError
from contextworker.harvest.feeds.blocks import Block, RawRow, Row
from contextworker.harvest.feeds.formats.columns import Column, parts
from contextworker.harvest.feeds.formats.parquet_columns import readable
from contextworker.harvest.messages import Feed

_MAGIC = b"PAR1"
_ROWS = 20_000
_BYTES = 8 * 1024 * 1024
_MOST_COLUMNS = 1000
_LARGEST_ROW = 4 * 1024 * 1024


def read_parquet(path: Path, feed: Feed) -> Iterator[Block | Row]:
    """Yield the rows of a Parquet file, numbered from 1.

    Raises:
        FeedError: It is no Parquet file, is damaged, or has a row too large to be read.
    """
    _check_ends(path, feed.source)
    try:
        yield from _slices(pl.scan_parquet(path, glob=False), feed)
    except (PolarsError, OSError, pl.exceptions.PanicException) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise FeedError(
            f"the Parquet file {feed.source} cannot be read ({reason}); "
            "ask the supplier for a new export"
        ) from error


def _check_ends(path: Path, source: str) -> None:
    with path.open("rb") as file:
        begins = file.read(len(_MAGIC)) == _MAGIC
        file.seek(max(0, path.stat().st_size - len(_MAGIC)))
        ends = file.read() == _MAGIC
    if begins and not ends:
        raise FeedTruncatedError(
            f"the Parquet file {source} is cut off: its end is missing; "
            "ask the supplier for a whole one"
        )


def _slices(scan: pl.LazyFrame, feed: Feed) -> Iterator[Block | Row]:
    width = len(scan.collect_schema())
    if width > _MOST_COLUMNS:
        raise FeedError(
            f"the Parquet file {feed.source} has {width:,} columns, more than the "
            f"{_MOST_COLUMNS:,} allowed; ask the supplier for fewer"
        )
    total = scan.select(pl.len()).collect().item()
    start, rows = 0, min(_ROWS, 1000)
    while start < total:
        frame = scan.slice(start, rows).collect()
        if not frame.height:
            raise FeedError(
                f"the Parquet file {feed.source} ends after {start:,} of {total:,} rows; "
                "ask the supplier for a new export"
            )
        size = _size(frame)
        if size > _LARGEST_ROW * frame.height:
            raise FeedError(
                f"the Parquet file {feed.source} has rows of more than {_LARGEST_ROW:,} bytes "
                f"after row {start:,}, which no product has; ask the supplier for another export"
            )
        for piece in frame.iter_slices(max(1, frame.height * _BYTES // max(size, _BYTES))):
            yield from _rows(piece, start)
            start += piece.height
        rows = max(1, min(_ROWS, frame.height * _BYTES // max(size, 1)))


def _size(frame: pl.DataFrame) -> int:
    """Return how many bytes the values are: in memory, equal texts may share theirs."""
    texts = [name for name, kind in frame.schema.items() if kind in {pl.String, pl.Binary}]
    lengths = (
        (
            pl.col(name).str.len_bytes()
            if frame.schema[name] == pl.String
            else pl.col(name).bin.size()
        )
        .sum()
        .cast(pl.Int64)
        for name in texts
    )
    others = frame.drop(texts)
    size = int(others.estimated_size()) if others.width else 0
    return size + sum(frame.select(lengths).row(0)) if texts else size


def _rows(frame: pl.DataFrame, before: int) -> Iterator[Block | Row]:
    columns = [readable(series) for series in frame]
    odd = sorted({index for column in columns for index in column.odd})
    numbers = pl.int_range(before + 1, before + frame.height + 1, dtype=pl.UInt32, eager=True)

    def row(index: int) -> Row:
        return RawRow(
            before + 1 + index,
            {
                column.series.name: _value(column, series, index)
                for column, series in zip(columns, frame, strict=True)
            },
        )

    yield from parts(
        pl.DataFrame([column.series for column in columns]), numbers.alias("number"), odd, row
    )


def _value(column: Column, series: pl.Series, index: int) -> Any:
    if index not in column.odd:
        return column.series[index]
    value = series[index]
    return value.to_list() if isinstance(value, pl.Series) else value
