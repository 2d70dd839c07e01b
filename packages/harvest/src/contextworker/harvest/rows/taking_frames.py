"""What a binding takes from a block: what `taking.take` takes from each of its rows."""

import polars as pl

from contextworker.harvest.rows.patterns import pattern
from contextworker.harvest.rows.series import nothing, stripped, texts
from contextworker.harvest.suppliers import Binding

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class MixedTypesError(Exception):
    """A field would have values of two types, which a column cannot have."""


def take_column(binding: Binding, frame: pl.DataFrame, *, is_exact: bool = False) -> pl.Series:
    """Return what a field is to be read from, row by row.

    Args:
        binding: The field's binding.
        frame: A block's frame, without NaN.
        is_exact: Whether it matters if a number is one, or the text of one.

    Raises:
        MixedTypesError: Only row by row can it be taken.
    """
    if binding.value is not None:
        return _constant(binding.value, frame.height)
    present = [frame[name] for name in binding.origins if name in frame.columns]
    if binding.is_text:
        taken = _steps(binding, present, frame.height)
    elif len(present) <= 1:
        taken = present[0] if present else nothing(frame.height)
    else:
        taken = _first(present)
    if binding.default is None:
        return taken
    return _filled(taken, binding.default, is_exact=is_exact)


def _steps(binding: Binding, present: list[pl.Series], height: int) -> pl.Series:
    columns = [texts(column) for column in present] or [nothing(height)]
    if binding.join is not None:
        named = {str(at): column for at, column in enumerate(columns)}
        joined = pl.concat_str(list(named), separator=binding.joiner, ignore_nulls=True)
        found = stripped(pl.DataFrame(named).select(joined.alias("joined"))["joined"])
    else:
        found = _first(columns)
    if binding.split is not None and binding.part is not None:
        parts = found.str.split(binding.split)
        found = stripped(parts.list.get(binding.part - 1, null_on_oob=True))
    if binding.regex is not None:
        regex = pattern(binding.regex, binding.captured)
        matched = found.to_frame("text").select(regex.expression(pl.col("text")))
        found = stripped(matched["text"])
    if binding.values is not None:
        meant = {word: meaning.strip() or None for word, meaning in binding.values.items()}
        found = stripped(found.replace(list(meant), list(meant.values())))
    return found


def _first(columns: list[pl.Series]) -> pl.Series:
    if len({str(column.dtype) for column in columns}) > 1:
        raise MixedTypesError
    columns = [stripped(item) if item.dtype == pl.String else item for item in columns]
    found = columns[0]
    for column in columns[1:]:
        found = found.zip_with(found.is_not_null(), column)
    return found


def _constant(value: str | float, height: int) -> pl.Series:
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and not _SMALLEST <= value <= _LARGEST
    ):
        raise MixedTypesError
    return pl.Series([value]).new_from_index(0, height)


def _filled(taken: pl.Series, default: str | float, *, is_exact: bool) -> pl.Series:
    """Put the default where there is nothing; a whole number reads the same as its text."""
    if taken.dtype == pl.String:
        taken = stripped(taken)
        if isinstance(default, str):
            return taken.fill_null(default)
        if isinstance(default, int) and not isinstance(default, bool) and not is_exact:
            return taken.fill_null(str(default))
    filler = _constant(default, 1)
    if filler.dtype != taken.dtype:
        raise MixedTypesError
    return taken.zip_with(taken.is_not_null(), filler)
