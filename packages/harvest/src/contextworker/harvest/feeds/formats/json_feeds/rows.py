"""Rows of JSON objects, collected into blocks."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from contextworker.harvest.feeds.blocks import Block, RawRow, Row
from contextworker.harvest.feeds.formats.columns import blocks

_ROWS = 20_000
_CHARACTERS = 8 * 1024 * 1024


class JsonRows:
    """Collects objects until they are enough for a block."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._rows: list[dict[str, Any]] = []
        self._characters = 0

    def add(self, number: int, values: dict[str, Any], characters: int) -> bool:
        """Take an object; tells whether it is time to `take` them all."""
        self._numbers.append(number)
        self._rows.append(values)
        self._characters += characters
        return len(self._rows) >= _ROWS or self._characters >= _CHARACTERS

    def take(self) -> Iterator[Block | Row]:
        """Yield the objects and forget them. A key that an object lacks is an empty value."""
        numbers, rows = self._numbers, self._rows
        self._numbers, self._rows, self._characters = [], [], 0
        if not rows:
            return
        names = tuple(dict.fromkeys(chain.from_iterable(rows)))
        if len(names) > 1 and all(len(row) == len(names) for row in rows):
            columns: Iterable[Sequence[Any]] = zip(*map(itemgetter(*names), rows), strict=True)
        else:
            columns = ([row.get(name) for row in rows] for name in names)
        yield from blocks(numbers, names, columns, lambda at: RawRow(numbers[at], rows[at]))
