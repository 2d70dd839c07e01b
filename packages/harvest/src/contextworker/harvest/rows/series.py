"""Columns of texts: the same as `texts` does for one value."""

import polars as pl

from contextworker.harvest.rows.texts import plain

_NOTHING = pl.Series([None], dtype=pl.String)
_WHOLE_FLOATS = 1e15


def nothing(height: int) -> pl.Series:
    """Return a column of nulls."""
    return pl.Series([None], dtype=pl.String).new_from_index(0, height)


def stripped(column: pl.Series) -> pl.Series:
    """Return texts without space around them; blank is null."""
    column = column.str.strip_chars()
    is_full = column.str.len_bytes() > 0
    return column if is_full.all() else column.zip_with(is_full, _NOTHING)


def texts(column: pl.Series) -> pl.Series:
    """Return a column's values as texts, as `texts.plain` does."""
    if column.dtype == pl.String:
        return stripped(column)
    if column.dtype != pl.Float64:
        return column.cast(pl.String)
    if is_whole(column).all():
        return column.cast(pl.Int64).cast(pl.String)
    different = column.unique().drop_nulls()
    written = pl.Series([plain(value, field="") for value in different], dtype=pl.String)
    return column.replace_strict(different, written, default=None, return_dtype=pl.String)


def is_whole(column: pl.Series) -> pl.Series:
    """Whether each number is an integer, written as one."""
    return (column.abs() < _WHOLE_FLOATS) & (column.floor() == column)
