"""What every reader yields: blocks of rows as frames, single rows, and rows that cannot be read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from contextworker.harvest.messages import Feed


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row by column name. `number` is the line of the file on which the row begins."""

    number: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is broken before its values mean anything."""

    number: int
    code: str
    reason: str
    raw: dict[str, Any] = field(default_factory=dict)


Row = RawRow | BadRow


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows as a frame, for feeds whose rows all have the same columns.

    A frame's row means what a `RawRow` of its values would mean. Its columns are texts, or, where
    the format knows better (Parquet, a sheet), Int64, Float64 or Boolean; null is an empty value.
    """

    frame: pl.DataFrame
    numbers: pl.Series
    """UInt32, one for each row: the line, sheet row or element (from 1) that it is."""
    is_partial: bool = False
    """The feed says of itself that it lists only what changed: what it lacks is not gone."""
    withdrawn: pl.Series | None = None
    """Boolean, one for each row: the feed says that this product is gone. None where it says so of
    no row."""

    def slice(self, start: int, rows: int) -> "Block":
        """Return some of the rows."""
        return replace(
            self,
            frame=self.frame.slice(start, rows),
            numbers=self.numbers.slice(start, rows),
            withdrawn=None if self.withdrawn is None else self.withdrawn.slice(start, rows),
        )

    def rows(self) -> Iterator[RawRow]:
        """Yield the rows one by one."""
        for number, values in zip(self.numbers, self.frame.iter_rows(named=True), strict=True):
            yield RawRow(number, values)


Reader = Callable[[Path, Feed], Iterator[Block | Row]]
"""Reads a local copy of a feed from start to end, in bounded memory, in the order of its rows.

Raises FeedError, at any time, for a feed that cannot be read or is cut off: nothing of it is stored
then. Does not care which columns a mapping needs.
"""
