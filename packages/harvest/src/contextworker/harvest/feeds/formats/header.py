"""The header of a tabular feed: checked once, then it names every row's cells."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, RawRow, Row


class Header:
    """The columns of one feed."""

    def __init__(self, cells: Sequence[Any], *, source: str) -> None:
        """Name the columns.

        A name that comes more than once gets its number, as in `price (1)` and `price (2)`: which
        one is meant, only the supplier file can say.

        Raises:
            FeedError: No column has a name.
        """
        names = [str(cell).strip() for cell in cells]
        while names and not names[-1]:
            names.pop()  # a delimiter at the end of the line names no column
        if not names:
            raise FeedError(
                f"the feed {source} has a header without column names; "
                "ask the supplier for a new export"
            )
        self.names = _distinct(names)

    def row(self, number: int, cells: Sequence[Any], *, cut_off: bool = False) -> Row | None:
        """Name a row's cells; None for a blank row, a BadRow where cells and columns differ.

        Args:
            number: The line on which the row begins.
            cells: The row's values. Empty ones beyond the last column are ignored.
            cut_off: The row is the file's last and does not end in a line break.
        """
        if not any(cell is not None and cell != "" for cell in cells):
            return None
        expected, found = len(self.names), len(cells)
        if found > expected and not any(cells[expected:]):
            found = expected
        values = dict(zip(self.names, cells, strict=False))
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


def _distinct(names: list[str]) -> list[str]:
    counts = Counter(names)
    seen: Counter[str] = Counter()
    distinct: list[str] = []
    for name in names:
        if name and counts[name] > 1:
            seen[name] += 1
            while counts[numbered := f"{name} ({seen[name]})"]:
                seen[name] += 1
            distinct.append(numbered)
        else:
            distinct.append(name)
    return distinct
