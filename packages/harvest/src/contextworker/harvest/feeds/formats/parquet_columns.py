"""Columns of Parquet files as mapping knows them: texts, numbers and booleans."""

import polars as pl
from polars.exceptions import ComputeError

from contextworker.harvest.feeds.formats.columns import Column

_DIGITS = 12  # as many as mapping reads of a float: with no more, nothing is lost


def readable(series: pl.Series) -> Column:
    """Return a column of a kind that mapping knows; what has no such value is odd."""
    kind = series.dtype
    if kind.is_decimal():
        return _decimals(series)
    if kind.is_integer():
        return _or_odd(series, series.cast(pl.Int64, strict=False))
    if kind.is_nested() or kind.is_object():
        return _or_odd(series, pl.Series(series.name, [None] * len(series), pl.String))
    return Column(_cast(series))


def _cast(series: pl.Series) -> pl.Series:
    kind = series.dtype
    if kind == pl.Float32:
        # By way of its text: 12.3 is 12.300000190734863 otherwise.
        return series.cast(pl.String).cast(pl.Float64)
    if kind.is_temporal():
        return _times(series)
    if kind == pl.Binary:
        return _bytes(series)
    if kind in {pl.String, pl.Boolean, pl.Float64}:
        return series
    return series.cast(pl.String)  # Categorical, Enum, Null


def _or_odd(original: pl.Series, made: pl.Series) -> Column:
    """Take a column for another one; where it has nothing and the other one has, it is odd."""
    odd = (made.is_null() & original.is_not_null()).arg_true()
    return Column(made, frozenset(odd))


def _decimals(series: pl.Series) -> Column:
    floats = series.cast(pl.Float64)
    exact = (floats.cast(series.dtype, strict=False) == series) & (
        floats == floats.round_sig_figs(_DIGITS)
    )
    return _or_odd(series, floats.zip_with(exact.fill_null(value=False), floats.clear(len(series))))


def _times(series: pl.Series) -> pl.Series:
    return series.dt.to_string("iso:strict").str.replace(r"\.0+([+-].*|)$", "$1")


def _bytes(series: pl.Series) -> pl.Series:
    """Read bytes as UTF-8 text; where they are none, write them as hexadecimal digits."""
    try:
        return series.cast(pl.String)
    except ComputeError:
        texts = [None if value is None else _text(value) for value in series]
        return pl.Series(series.name, texts, pl.String)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()
