"""What every reader yields: rows of raw values, and rows that could not be read as such."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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

# Reads a local copy of a feed which must have the given columns.
Reader = Callable[[Path, Feed, frozenset[str]], Iterator[Row]]
