"""Shopify's product export: a CSV with a row for each variant, and more for further images.

The first row of a product tells what all its variants share; those after it have its handle.
"""

from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

import polars as pl

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats.tables.delimited import read_delimited
from contextworker.harvest.messages import Feed

_SHARED = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "body": ("body (html)", "body html", "description"),
    "vendor": ("vendor",),
    "type": ("type", "custom product type"),
    "category": ("product category", "standardized product type"),
    "tags": ("tags",),
    "published": ("published", "published on online store"),
    "status": ("status",),
    "option1": ("option1 name",),
    "option2": ("option2 name",),
    "option3": ("option3 name",),
    "first_image": ("image src", "product image url"),
}
_OWN = {
    "sku": ("variant sku", "sku"),
    "price": ("variant price", "price"),
    "compare_at_price": ("variant compare at price", "compare-at price"),
    "quantity": ("variant inventory qty", "inventory quantity"),
    "barcode": ("variant barcode", "barcode"),
    "variant_image": ("variant image", "variant image url"),
    "value1": ("option1 value",),
    "value2": ("option2 value",),
    "value3": ("option3 value",),
}
_COLUMNS = _SHARED | _OWN
_OPTIONS = (1, 2, 3)
_ONLY_VARIANT = "Default Title"
_HELPERS = (
    "first_image",
    "variant_image",
    *(f"{p}{n}" for p in ("option", "value") for n in _OPTIONS),
)
_FEW = 64
_MOST = 1000


def read_shopify(path: Path, feed: Feed) -> Iterator[Block | Row]:
    """Yield a row for each variant, with all that it has from its product.

    Rows that only add an image are no products.

    Raises:
        FeedError: It has no column Handle, the header cannot be read, or the bytes are not of the
            encoding.
    """
    products = _Products(feed.source)
    parts = read_delimited(path, feed)
    for kind, run in groupby(parts, key=type):
        if kind is RawRow:
            while rows := [row for row in islice(run, _MOST) if isinstance(row, RawRow)]:
                numbers = pl.Series("number", [row.number for row in rows], dtype=pl.UInt32)
                frame = pl.DataFrame([row.values for row in rows], infer_schema_length=None)
                yield from _sized(products.complete(Block(frame, numbers)))
        else:
            for part in run:
                if isinstance(part, Block):
                    yield from _sized(products.complete(part))
                elif isinstance(part, BadRow):
                    yield part


def _sized(block: Block) -> Iterator[Block | Row]:
    if block.frame.height < _FEW:
        yield from block.rows()
    else:
        yield block


class _Products:
    """Completes rows block by block; remembers the product that a block ends with."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._last = pl.DataFrame({name: [""] for name in _SHARED})

    def complete(self, block: Block) -> Block:
        """Return the rows that are variants, completed."""
        frame = self._standard(block.frame)
        handle = pl.col("handle")
        is_first = (handle == "") | (handle != handle.shift(1, fill_value=self._last["handle"][0]))
        frame = frame.with_columns(is_first.alias("is_first"))
        shared = frame.select("is_first", *_SHARED)
        before = self._last.with_columns(pl.lit(value=True).alias("is_first"))
        filled = pl.concat([before.select(shared.columns), shared]).select(
            pl.when(pl.col("is_first") | _is_repeated(name)).then(pl.col(name)).forward_fill()
            for name in _SHARED
        )
        self._last = filled.tail(1)
        is_product = pl.col("is_first") & (pl.col("title") != "")
        for name in ("sku", "price", "value1"):
            is_product |= pl.col(name) != ""
        kept = frame.select(is_product).to_series()
        complete = frame.with_columns(filled.slice(1)).filter(kept)
        names = [name for name in _COLUMNS if name not in _HELPERS]
        others = [name for name in complete.columns if name not in {*_COLUMNS, "is_first"}]
        output = complete.select(
            *(_WRITTEN.get(name, pl.col)(name) for name in names),
            _image(),
            _params(),
            *others,
        )
        return Block(output, block.numbers.filter(kept))

    def _standard(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rename the columns that are known; those missing are empty."""
        present = {name.casefold(): name for name in reversed(frame.columns)}
        found = {
            name: next((present[known] for known in aliases if known in present), None)
            for name, aliases in _COLUMNS.items()
        }
        if found["handle"] is None:
            raise FeedError(
                f"the feed {self._source} has no column 'Handle', so it is no Shopify export; "
                'set format = "csv" for this source'
            )
        taken = {*found.values(), *_COLUMNS, "is_first", "image", "params"}
        return frame.select(
            *(
                pl.lit("").alias(name) if column is None else pl.col(column).alias(name)
                for name, column in found.items()
            ),
            *(name for name in frame.columns if name not in taken),
        )


def _is_repeated(name: str) -> pl.Expr:
    # Further images of a product stand beside its variants, but are not theirs.
    return pl.lit(value=False) if name == "first_image" else pl.col(name) != ""


def _has(number: int) -> pl.Expr:
    value = pl.col(f"value{number}")
    return (value != "") & (value != _ONLY_VARIANT)


def _title(name: str) -> pl.Expr:
    values = [pl.when(_has(number)).then(pl.col(f"value{number}")) for number in _OPTIONS]
    options = pl.concat_str(values, separator=" / ", ignore_nulls=True)
    title = pl.col(name)
    return pl.when(options != "").then(title + " - " + options).otherwise(title).alias(name)


def _quantity(name: str) -> pl.Expr:
    """Of what was sold beyond the stock, Shopify counts below zero: there is none."""
    given = pl.col(name)
    return pl.when(given.str.contains(r"^-\d+$")).then(pl.lit("0")).otherwise(given).alias(name)


_WRITTEN = {"title": _title, "quantity": _quantity}


def _image() -> pl.Expr:
    own = pl.col("variant_image")
    return pl.when(own != "").then(own).otherwise(pl.col("first_image")).alias("image")


def _params() -> pl.Expr:
    """Return the options as the text of a JSON object; empty where there are none."""
    pairs = []
    for number in _OPTIONS:
        name = pl.col(f"option{number}")
        name = pl.when(name == "").then(pl.lit(f"Option{number}")).otherwise(name)
        pair = _quoted(name) + ":" + _quoted(pl.col(f"value{number}"))
        pairs.append(pl.when(_has(number)).then(pair))
    inside = pl.concat_str(pairs, separator=",", ignore_nulls=True)
    return pl.when(inside != "").then("{" + inside + "}").otherwise(pl.lit("")).alias("params")


def _quoted(text: pl.Expr) -> pl.Expr:
    """Write texts as JSON does, by writing objects that hold them."""
    return pl.struct(text.alias("v")).struct.json_encode().str.slice(5).str.strip_suffix("}")
