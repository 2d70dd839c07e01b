"""Blocks become products by the column; what that is not sure of goes row by row.

The results are those of `mapping.RowMapper`, which says what is right.
"""

from typing import Any

import polars as pl

from contextworker.brain.frames import PRODUCT_SCHEMA, content_hash
from contextworker.brain.values import canonical_decimal
from contextworker.harvest.rows import columns
from contextworker.harvest.rows.fields import Field, Kind, fields_of
from contextworker.harvest.rows.param_columns import params_column
from contextworker.harvest.rows.params import ParamsReader
from contextworker.harvest.rows.prices import Price, PriceReader
from contextworker.harvest.rows.read import Read, settle
from contextworker.harvest.rows.selecting import Selector
from contextworker.harvest.rows.series import nothing
from contextworker.harvest.rows.taking_frames import MixedTypesError, take_column
from contextworker.harvest.rows.values import availability
from contextworker.harvest.rows.words import Words
from contextworker.harvest.suppliers import Mapping, Supplier

POSITION = "#"
"""Where in its block a product's row is."""

_DTYPES = (pl.String, pl.Int64, pl.Float64, pl.Boolean)
_WIDER: dict[type[pl.DataType], type[pl.DataType]] = {
    **dict.fromkeys((pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32), pl.Int64),
    pl.Float32: pl.Float64,
    pl.Null: pl.String,
}
"""For the same values in Python."""
_SELECTED_BY = ("category", "brand_name")


class FrameMapper:
    """Maps blocks of one source."""

    def __init__(self, supplier: Supplier, mapping: Mapping, words: Words) -> None:
        self._supplier = supplier
        self._fields = {field.name: field for field in fields_of(mapping, supplier)}
        self._params = ParamsReader(mapping)
        self._selector = Selector(mapping)
        self._needed = ("sku", "name", *sorted(mapping.required))
        self._words = words

    def map(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series, int]:
        """Map what is sure.

        Returns:
            The products with the position of their rows; the positions of rows that have to be
            mapped one by one; how many rows the lists leave out.
        """
        positions = pl.int_range(frame.height, eager=True).alias(POSITION)
        frame = frame.with_columns(
            frame[name].cast(wider)
            for name, dtype in frame.schema.items()
            if (wider := _WIDER.get(dtype.base_type())) is not None
        )
        if not all(dtype in _DTYPES for dtype in frame.dtypes):
            return self._none(), positions, 0
        floats = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
        frame = frame.with_columns(frame[name].fill_nan(None) for name in floats)
        try:
            wanted = self._wanted(frame)
            if wanted is not None:
                frame, positions = frame.filter(wanted), positions.filter(wanted)
            reads = [self._read(field, frame) for field in self._fields.values()]
            reads.append(params_column(self._params, frame))
        except MixedTypesError:
            return self._none(), pl.int_range(frame.height, eager=True).alias(POSITION), 0
        filtered = 0 if wanted is None else len(wanted) - len(positions)
        products, rest = self._products(reads, positions)
        return products, rest, filtered

    def _wanted(self, frame: pl.DataFrame) -> pl.Series | None:
        """Return which rows the lists let pass; those that cannot be read do."""
        if not self._selector.selects:
            return None
        found: dict[str, pl.Series] = {}
        sure = pl.Series([True]).new_from_index(0, frame.height)
        for name in _SELECTED_BY:
            found[name] = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
            if (field := self._fields.get(name)) is not None:
                read = self._read(field, frame)
                found[name] = read.columns[name]
                sure = sure if read.sure is None else sure & read.sure
        pairs = pl.DataFrame(found)
        different = pairs.unique()
        wants = [self._selector.wants(*pair) for pair in different.iter_rows()]
        known = different.with_columns(pl.Series("wants", wants, dtype=pl.Boolean))
        joined = pairs.join(
            known, on=list(_SELECTED_BY), how="left", nulls_equal=True, maintain_order="left"
        )
        return joined["wants"] | ~sure

    def _read(self, field: Field, frame: pl.DataFrame) -> Read:
        inputs = [take_column(item, frame) for item in field.inputs]
        asked = pl.DataFrame({str(at): column for at, column in enumerate(inputs)})
        return settle(_quick(field, inputs), asked, lambda row: _values(field, field.read(*row)))

    def _products(self, reads: list[Read], positions: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        found: dict[str, pl.Series] = {POSITION: positions}
        sure = pl.Series([True]).new_from_index(0, len(positions))
        for read in reads:
            found |= read.columns
            sure = sure if read.sure is None else sure & read.sure
        words = found.pop("availability", None)
        if words is not None:
            found["availability"], unknown = _meant(words)
        for name in self._needed:
            sure &= found[name].is_not_null() if name in found else False
        if words is not None:
            self._words.note(words.filter(sure & unknown).unique().sort())
        frame = pl.DataFrame(found)
        rest = positions.filter(~sure)
        if len(rest):
            frame = frame.filter(sure)
        return self._finished(frame), rest

    def _finished(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add what no column says, and the hash."""
        absent = {
            name: pl.lit(None, dtype)
            for name, dtype in PRODUCT_SCHEMA.items()
            if name not in frame.columns and name != "content_hash"
        }
        absent["dealer_name"] = pl.lit(self._supplier.name)
        status = pl.col("status").fill_null("active")
        frame = frame.with_columns(**absent).with_columns(status)
        frame = frame.with_columns(content_hash(self._supplier.code))
        return frame.select(POSITION, *PRODUCT_SCHEMA)

    def _none(self) -> pl.DataFrame:
        return pl.DataFrame(schema={POSITION: pl.Int64(), **PRODUCT_SCHEMA})


def _quick(field: Field, inputs: list[pl.Series]) -> Read:
    if field.price is not None:
        return _quick_prices(field.price, field, inputs)
    if field.kind is Kind.CATEGORY:
        return columns.category_column(inputs[0], separator=field.separator)
    if field.kind is Kind.QUANTITY:
        return columns.quantity_column(inputs[0])
    return columns.text_column(field.name, inputs[0])


def _quick_prices(reader: PriceReader, field: Field, inputs: list[pl.Series]) -> Read:
    given = dict(zip(field.names, inputs, strict=True))
    height = len(inputs[0])
    value = given.get("value", nothing(height))
    if reader.divisor is not None or "pieces" in given:
        empty = nothing(height)
        nowhere = pl.Series([False]).new_from_index(0, height)
        return Read({"price_retail": empty, "currency": empty}, nowhere)
    read = columns.price_column(reader, value, given.get("currency"))
    if reader.convert_to is None:
        return read
    # What is in the wanted currency already needs no sums.
    same = (read.columns["currency"] == reader.convert_to).fill_null(value=False)
    return Read.of(read.columns, same if read.sure is None else same & read.sure)


def _values(field: Field, found: Any) -> dict[str, Any]:
    if not isinstance(found, Price):
        return {field.name: found}
    amount = None if found.amount is None else canonical_decimal(found.amount)
    return {"price_retail": amount, "currency": found.currency}


def _meant(words: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return what words for availability mean, and which mean nothing."""
    different = words.unique().drop_nulls()
    meanings = pl.Series([availability(word) for word in different], dtype=pl.String)
    meant = words.replace_strict(different, meanings, default=None, return_dtype=pl.String)
    return meant, words.is_not_null() & meant.is_null()
