"""Google Merchant's product data as text: tab-separated, sometimes with commas."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from contextworker.harvest.feeds.blocks import Block, RawRow, Row
from contextworker.harvest.feeds.formats.tables.delimited import read_delimited
from contextworker.harvest.messages import Feed

_NUMBERED = re.compile(r" \(\d+\)$")
_SEPARATOR = ", "
_FIRST_ONLY = "product_type"


def read_google_tsv(path: Path, feed: Feed) -> Iterator[Block | Row]:
    """Yield the products by Google's attribute names: `Image link` and `g:image_link` are one.

    An attribute that has several columns becomes one: its values joined by ", ", of `product_type`
    the first.

    Raises:
        FeedError: The header cannot be read, or the bytes are not of the encoding.
    """
    attributes: dict[str, list[str]] = {}
    for part in read_delimited(path, feed):
        if isinstance(part, Block):
            attributes = attributes or _attributes(part.frame.columns)
            yield Block(_joined(part.frame, attributes), part.numbers)
        elif isinstance(part, RawRow):
            attributes = attributes or _attributes(list(part.values))
            values = [[part.values[column] for column in found] for found in attributes.values()]
            joined = [_SEPARATOR.join(filter(None, texts)) for texts in values]
            yield RawRow(part.number, dict(zip(attributes, joined, strict=True)))
        else:
            yield part


def _attributes(columns: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns of each attribute."""
    attributes: dict[str, list[str]] = {}
    for column in columns:
        name = _NUMBERED.sub("", column.strip()).casefold().removeprefix("g:")
        attributes.setdefault("_".join(name.split()), []).append(column)
    if _FIRST_ONLY in attributes:
        attributes[_FIRST_ONLY] = attributes[_FIRST_ONLY][:1]
    return attributes


def _joined(frame: pl.DataFrame, attributes: dict[str, list[str]]) -> pl.DataFrame:
    return frame.select(
        _filled(found).alias(name) if len(found) > 1 else pl.col(found[0]).alias(name)
        for name, found in attributes.items()
    )


def _filled(columns: list[str]) -> pl.Expr:
    texts = [pl.when(pl.col(column) != "").then(pl.col(column)) for column in columns]
    return pl.concat_str(texts, separator=_SEPARATOR, ignore_nulls=True).fill_null("")
