"""Find out at which character a table's rows are parted."""

import csv
from collections.abc import Sequence
from itertools import islice

_CANDIDATES = (",", ";", "\t", "|", "^")
_ROWS = 200
_ENOUGH = 2


def likeliest_delimiter(lines: Sequence[str]) -> str | None:
    """Return the delimiter at which most rows have as many cells as the first one.

    None where no candidate parts the first row.
    """
    scores: dict[str, tuple[float, int]] = {}
    for candidate in _CANDIDATES:
        rows = cells_of(lines, candidate)
        if rows and len(rows[0]) >= _ENOUGH:
            scores[candidate] = (_consistency(rows), len(rows[0]))
    return max(scores, key=lambda candidate: scores[candidate], default=None)


def cells_of(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the first rows that are not blank."""
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        return list(islice((row for row in reader if any(row)), _ROWS))
    except csv.Error:  # a cell without end
        return []


def _consistency(rows: list[list[str]]) -> float:
    """Return the share of rows as long as the first one, apart from empty cells at their end."""
    expected = _length(rows[0])
    return sum(_likeness(row, expected) for row in rows) / len(rows)


def _likeness(row: list[str], expected: int) -> float:
    if any(cell.count('"') % 2 for cell in row):
        return 0  # it was parted within quotes
    length = _length(row)
    if length == expected:
        return 1
    return 0.5 if _ENOUGH <= length < expected else 0


def _length(row: list[str]) -> int:
    length = len(row)
    while length and not row[length - 1].strip():
        length -= 1
    return length
