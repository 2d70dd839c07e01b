"""Python values as blocks: a frame where a column's values are of one kind, else single rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from contextworker.harvest.feeds.blocks import Block, Row

_MOST_COLUMNS = 1000
_MOST_PARTS = 32
_FLOAT_DIGITS = 12  # as many as mapping reads of a float: with no more, nothing is lost
_INTEGERS = range(-(2**63), 2**63)
_INTEGERS_IN_FLOATS = range(-(2**53), 2**53 + 1)
_KINDS: Mapping[type, pl.DataType] = {
    str: pl.String(),
    bool: pl.Boolean(),
    int: pl.Float64(),
    float: pl.Float64(),
    Decimal: pl.Float64(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a frame, and the rows that have something else there than it can hold."""

    series: pl.Series
    odd: frozenset[int] = frozenset()


def column(name: str, values: Sequence[Any]) -> Column:
    """Make a column of texts, numbers or booleans: of what most values are.

    Numbers are exact: a fraction that a float would bend is odd.
    """
    types = set(map(type, values)) - {type(None)}
    if len(types) > 1 and "" in values:
        values = [None if value == "" else value for value in values]
        types = set(map(type, values)) - {type(None)}
    kinds = {_KINDS.get(found) for found in types}
    if len(kinds) > 1 or None in kinds:
        return _mixed(name, values)
    kind = kinds.pop() if kinds else pl.String()
    if kind != pl.Float64():
        return Column(pl.Series(name, values, kind))
    if types == {int}:
        return _fitting(name, values, pl.Int64(), lambda value: value in _INTEGERS)
    if types == {float}:
        return Column(whole(pl.Series(name, values, pl.Float64())))
    return _fitting(name, [_float(value) for value in values], pl.Float64(), _is_float)


def whole(floats: pl.Series) -> pl.Series:
    """Return a column of floats as one of integers, if that is what they all are."""
    if (floats.abs() < 2.0**53).all() and (floats == floats.floor()).all():
        return floats.cast(pl.Int64)
    return floats


def blocks(
    numbers: Sequence[int],
    names: Sequence[str],
    columns: Iterable[Sequence[Any]],
    row: Callable[[int], Row],
    *,
    odd: Iterable[int] = (),
) -> Iterator[Block | Row]:
    """Yield rows in their order: as blocks, or one by one where that would be too many blocks.

    Args:
        numbers: Where the rows are in the feed.
        names: The columns.
        columns: The values of each, one for each row; looked at only where they are not too many.
        row: A row by its index.
        odd: Indexes of rows that are to be yielded as such in any case.
    """
    if not 0 < len(names) <= _MOST_COLUMNS:
        yield from map(row, range(len(numbers)))
        return
    made = [column(name, values) for name, values in zip(names, columns, strict=True)]
    every = set(odd).union(*(one.odd for one in made))
    frame = pl.DataFrame([one.series for one in made])
    yield from parts(frame, pl.Series("number", numbers, pl.UInt32), sorted(every), row)


def parts(
    frame: pl.DataFrame,
    numbers: pl.Series,
    odd: Sequence[int],
    row: Callable[[int], Row],
) -> Iterator[Block | Row]:
    """Yield the rows of a frame, those at the indexes `odd` one by one."""
    if len(odd) > _MOST_PARTS:
        yield from map(row, range(len(numbers)))
        return
    start = 0
    for index in (*odd, len(numbers)):
        if index > start:
            height = index - start
            yield Block(frame.slice(start, height), numbers.slice(start, height))
        if index < len(numbers):
            yield row(index)
        start = index + 1


def _mixed(name: str, values: Sequence[Any]) -> Column:
    kinds = [_KINDS.get(type(value)) for value in values]
    known = [kind for kind, value in zip(kinds, values, strict=True) if kind and value is not None]
    kind = max(set(known), key=known.count) if known else pl.String()
    odd = {
        index for index, value in enumerate(values) if value is not None and kinds[index] != kind
    }
    rest = column(name, [None if index in odd else value for index, value in enumerate(values)])
    return Column(rest.series, rest.odd | odd)


def _fitting(
    name: str, values: Sequence[Any], kind: pl.DataType, fits: Callable[[Any], bool]
) -> Column:
    odd = frozenset(
        index for index, value in enumerate(values) if value is not None and not fits(value)
    )
    if odd:
        values = [None if index in odd else value for index, value in enumerate(values)]
    return Column(pl.Series(name, values, kind), odd)


def _float(value: Any) -> Any:
    if type(value) is Decimal:
        text = str(value)
        if len(text) <= _FLOAT_DIGITS + 1 and "E" not in text and value.is_finite():
            return float(text)
    elif type(value) is int and value in _INTEGERS_IN_FLOATS:
        return float(value)
    return value


def _is_float(value: Any) -> bool:
    return type(value) is float
