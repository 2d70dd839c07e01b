"""The header of a tabular feed: checked once, then it names every row's cells."""

import difflib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.formats.rows import BadRow, RawRow, Row

_SHOWN = 12
_SHOWN_LENGTH = 80


class Header:
    """The columns of one feed."""

    def __init__(self, cells: Sequence[Any], *, needed: frozenset[str], source: str) -> None:
        """Check the header.

        Raises:
            FeedError: A needed column is missing or there twice.
        """
        self._names = [str(cell).strip() for cell in cells]
        while self._names and not self._names[-1]:
            self._names.pop()  # a delimiter at the end of the line names no column
        counts = Counter(self._names)
        if missing := sorted(needed - counts.keys()):
            raise FeedError(_missing(missing, [name for name in self._names if name], source))
        if twice := sorted(name for name in needed if counts[name] > 1):
            raise FeedError(
                f"the feed {source} has the column {', '.join(map(repr, twice))} more than once; "
                "ask the supplier for distinct column names"
            )

    def row(self, number: int, cells: Sequence[Any], *, cut_off: bool = False) -> Row | None:
        """Name a row's cells; None for a blank row, a BadRow where cells and columns differ.

        Args:
            number: The line on which the row begins.
            cells: The row's values. Empty ones beyond the last column are ignored.
            cut_off: The row is the file's last and does not end in a line break.
        """
        if not any(cell is not None and cell != "" for cell in cells):
            return None
        expected, found = len(self._names), len(cells)
        if found > expected and not any(cells[expected:]):
            found = expected
        values = dict(zip(self._names, cells, strict=False))
        values.pop("", None)
        if found == expected:
            return RawRow(number, values)
        if found < expected and cut_off:
            return BadRow(
                number,
                "cut_off",
                f"the feed ends in the middle of this row, after {found} of {expected} columns",
                values,
            )
        if found > expected:
            values["(beyond the last column)"] = list(cells[expected:])
        return BadRow(
            number,
            "ragged_row",
            f"the row has {found} columns where the header has {expected}; "
            "a text with a delimiter in it may lack quotes",
            values,
        )


def _missing(missing: list[str], present: list[str], source: str) -> str:
    found = shown(present) or "no column names at all"
    sentence = f"the feed {source} has no column {', '.join(map(repr, missing))}; it has {found}"
    if len(present) == 1:
        for delimiter in (";", "\t", "|", ","):
            if delimiter in present[0]:
                return f"{sentence}; set delimiter = {delimiter!r} for this source"
    folded = {name.casefold(): name for name in present if len(name) <= _SHOWN_LENGTH}
    for name in missing:
        if close := difflib.get_close_matches(name.casefold(), folded, n=1):
            return f"{sentence}; is {name!r} now called {folded[close[0]]!r}?"
    return f"{sentence}; adapt the [mapping] of the supplier file"


def shown(names: Sequence[str]) -> str:
    """Quote column names for a sentence: the first few, and of long ones the start."""
    quoted = [
        repr(name if len(name) <= _SHOWN_LENGTH else f"{name[:_SHOWN_LENGTH]}…")
        for name in names[:_SHOWN]
    ]
    return ", ".join(quoted) + (", …" if len(names) > _SHOWN else "")
