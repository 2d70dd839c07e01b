"""Fields read by the column: what is sure at a glance; `read.settle` sees to the rest."""

import polars as pl

from contextworker.harvest.rows.fields import LONGEST
from contextworker.harvest.rows.prices import CURRENCIES, MAX_AMOUNT, PriceReader
from contextworker.harvest.rows.read import Read
from contextworker.harvest.rows.series import nothing, texts

_WHOLE = r"^(?:0|[1-9][0-9]{0,11})$"
_AMOUNT = {
    None: r"(?:0|[1-9][0-9]{0,11})(?:[.,][0-9]{1,2})?",
    ".": r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,10})?",
    ",": r"(?:0|[1-9][0-9]{0,11})(?:,[0-9]{1,10})?",
}
_CODES = sorted(CURRENCIES)
_SAFE_CENTS = 10**11


def text_column(name: str, column: pl.Series) -> Read:
    """Read texts."""
    found = texts(column)
    longest = LONGEST[name]
    has_nul = found.str.contains("\0", literal=True)
    length = found.str.len_bytes()
    return Read.of({name: found}, (length <= longest) & ~has_nul)


def category_column(column: pl.Series, *, separator: str | None) -> Read:
    """Read category paths: one by one where they have parts."""
    if separator is None or column.dtype != pl.String:
        return text_column("category", column)
    return Read.of({"category": nothing(len(column))}, texts(column).is_null())


def quantity_column(column: pl.Series) -> Read:
    """Read quantities."""
    if column.dtype == pl.Int64:
        return Read.of({"quantity": column}, column.is_between(0, MAX_AMOUNT))
    if column.dtype == pl.String:
        column = texts(column)
        sure = column.str.contains(_WHOLE)
        return Read.of({"quantity": column.cast(pl.Int64, strict=False)}, sure)
    return Read.of(
        {"quantity": pl.Series([None], dtype=pl.Int64).new_from_index(0, len(column))},
        column.is_null(),
    )


def price_column(reader: PriceReader, value: pl.Series, currency: pl.Series | None) -> Read:
    """Read prices that are for one piece and need no conversion."""
    expected, is_known = _currencies(currency, reader.currency, len(value))
    if value.dtype == pl.String:
        amount, code, sure = _written(texts(value), reader, expected)
    else:
        amount, sure = _numbers(value)
        code = expected
    code = code.zip_with(amount.is_not_null(), nothing(1))
    columns = {"price_retail": amount, "currency": code}
    return Read.of(columns, sure.fill_null(value=True) & is_known)


def _currencies(
    column: pl.Series | None, usual: str | None, height: int
) -> tuple[pl.Series, pl.Series]:
    """Return what each row's price is in, and where that is sure."""
    default = pl.Series([usual], dtype=pl.String).new_from_index(0, height)
    known = pl.Series([True]).new_from_index(0, height)
    if column is None:
        return default, known
    own = texts(column)
    return own.zip_with(own.is_not_null(), default), own.is_null() | own.is_in(_CODES)


def _written(
    value: pl.Series, reader: PriceReader, expected: pl.Series
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return amount, currency and what is sure of prices that are texts."""
    amount = _AMOUNT[reader.mark]
    is_plain = value.str.contains(f"^{amount}$").fill_null(value=True)
    if is_plain.all():
        return _canonical(value), expected, is_plain
    found = value.str.extract(f"^({amount})(?:[ \\x{{a0}}]?[A-Z]{{3}})?$", 1)
    code = value.str.extract("([A-Z]{3})$", 1)
    agrees = (code == expected) | (expected.is_null() & code.is_in(_CODES))
    sure = (is_plain | (found.is_not_null() & agrees)).fill_null(value=False)
    code = code.zip_with(code.is_not_null(), expected)
    return _canonical(found), code, sure


def _canonical(amount: pl.Series) -> pl.Series:
    """Return amounts as `canonical_decimal` writes them."""
    amount = amount.str.replace(",", ".", literal=True)
    has_point = amount.str.contains(".", literal=True)
    if not has_point.any():
        return amount
    short = amount.str.strip_chars_end("0").str.strip_chars_end(".")
    return short.zip_with(has_point, amount)


def _numbers(value: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return amount and what is sure of prices that are numbers."""
    if value.dtype == pl.Int64:
        return value.cast(pl.String), value.is_between(0, MAX_AMOUNT)
    if value.dtype != pl.Float64:
        return nothing(len(value)), value.is_null()
    # The nearest float to a number of cents is read as just that: it has less than twelve digits.
    cents = (value * 100).round()
    sure = (cents / 100 == value) & cents.is_between(0, _SAFE_CENTS)
    count = cents.zip_with(sure, pl.Series([0.0])).cast(pl.Int64)
    fraction = (count % 100).cast(pl.String).str.zfill(2)
    amount = (count // 100).cast(pl.String) + "." + fraction
    return _canonical(amount.zip_with(value.is_not_null(), nothing(1))), sure
