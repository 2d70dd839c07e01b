"""Fields read by the column: what is sure at a glance; `read.settle` sees to the rest."""

import polars as pl

from contextworker.harvest.rows.fields import LONGEST
from contextworker.harvest.rows.prices import CURRENCIES, MAX_AMOUNT, PriceReader
from contextworker.harvest.rows.problems import RowProblemError
from contextworker.harvest.rows.read import Read
from contextworker.harvest.rows.series import nothing, texts

_WHOLE = r"^(?:0|[1-9][0-9]{0,11})$"
_GROUPED = r"(?:0|[1-9][0-9]{0,11}|[1-9][0-9]{0,2}(?:[ '\x{2019}\x{a0}\x{202f}][0-9]{3}){1,3})"
_AMOUNT = {
    None: _GROUPED + r"(?:[.,][0-9]{1,2})?",
    ".": _GROUPED + r"(?:\.[0-9]{1,10})?",
    ",": _GROUPED + r"(?:,[0-9]{1,10})?",
}
_GROUP_SIGNS = r"[ '\x{2019}\x{a0}\x{202f}]"
_MOST_SIGNS = 1000
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
    height = len(value)
    own = nothing(height) if currency is None else texts(currency)
    usual = pl.Series([reader.currency], dtype=pl.String).new_from_index(0, height)
    code = own.zip_with(own.is_not_null(), usual)
    if value.dtype == pl.String:
        amount, code, sure = _written(texts(value), reader, own, code)
    else:
        amount, sure = _numbers(value)
    sure = sure.fill_null(value=True) & (own.is_null() | own.is_in(_CODES))
    code = code.zip_with(amount.is_not_null(), nothing(1))
    return Read.of({"price_retail": amount, "currency": code}, sure)


def _written(
    value: pl.Series, reader: PriceReader, own: pl.Series, expected: pl.Series
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return amount, currency and what is sure of prices that are texts."""
    amount = _AMOUNT[reader.mark]
    is_plain = value.str.contains(f"^{amount}$")
    if is_plain.all():
        return _canonical(value), expected, is_plain
    parts = value.str.extract_groups(rf"^([^\d+-]{{0,12}})({amount})(\D{{0,12}})$").struct.unnest()
    number = parts["2"]
    signs = parts.select("1", "3").with_columns(own.alias("own"))
    code, is_good = _signed(signs, reader)
    sure = value.is_null() | (number.is_not_null() & is_good)
    return _canonical(number), code, sure


def _signed(signs: pl.DataFrame, reader: PriceReader) -> tuple[pl.Series, pl.Series]:
    """Return the currency of prices with these before and after the number, and what is sure."""
    different = signs.unique()
    if different.height > _MOST_SIGNS:
        return nothing(signs.height), pl.Series([False]).new_from_index(0, signs.height)
    found: list[str | None] = []
    is_good = []
    for before, after, own in different.iter_rows():
        sign = " ".join(part for side in (before, after) if (part := (side or "").strip()))
        try:
            found.append(reader.currency_of("", sign, own))
            is_good.append(True)
        except RowProblemError:
            found.append(None)
            is_good.append(False)
    answers = {"code": found, "ok": is_good}
    schema = {"code": pl.String, "ok": pl.Boolean}
    known = pl.concat([different, pl.DataFrame(answers, schema=schema)], how="horizontal")
    joined = signs.join(
        known, on=signs.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return joined["code"], joined["ok"]


def _canonical(amount: pl.Series) -> pl.Series:
    """Return amounts as `canonical_decimal` writes them."""
    if amount.str.contains(_GROUP_SIGNS).any():
        amount = amount.str.replace_all(_GROUP_SIGNS, "")
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
