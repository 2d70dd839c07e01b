"""Maps everything a reader yields: blocks by the column, rows one by one, with the same results."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from contextworker.brain import ProductRecord, RejectRecord
from contextworker.brain.frames import PRODUCT_SCHEMA, frame_of
from contextworker.harvest.drift import DriftWatch
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.messages import Feed, FeedFormat
from contextworker.harvest.rows.frames import POSITION, FrameMapper
from contextworker.harvest.rows.mapped import Mapped
from contextworker.harvest.rows.mapping import FilteredRow, RowMapper
from contextworker.harvest.rows.words import Words
from contextworker.harvest.suppliers import Mapping, Supplier, mapping_for

_FIXED = frozenset(
    {
        FeedFormat.CSV,
        FeedFormat.TSV,
        FeedFormat.XLSX,
        FeedFormat.XLS,
        FeedFormat.ODS,
        FeedFormat.PARQUET,
        FeedFormat.GOOGLE_TSV,
        FeedFormat.SHOPIFY,
    }
)
"""Formats that name all their columns before the first row."""
_RENAMING = {
    kind: f"It is read as a {name}, whose columns have names of their own here; to map it by the "
    'columns that the file itself has, set format = "csv" for this source. '
    for kind, name in (
        (FeedFormat.GOOGLE_TSV, "Google Merchant feed"),
        (FeedFormat.SHOPIFY, "Shopify export"),
    )
}
"""Tables that may have been meant as plain ones."""


class ProductMapper:
    """Maps the rows of one feed; memory holds one block at a time."""

    def __init__(
        self,
        supplier: Supplier,
        source_label: str,
        mapping: Mapping,
        *,
        has_header: bool = False,
        previous_columns: Sequence[str] = (),
        hint: str = "",
    ) -> None:
        """Make a mapper.

        Args:
            supplier: Whose feed it is.
            source_label: The feed's name in rejects and messages.
            mapping: What the columns mean; see `mapping_for`.
            has_header: Whether the feed names all its columns before the first row.
            previous_columns: What columns the feed had at the last harvest.
            hint: What to say besides where a column is missing.
        """
        self._words = Words()
        self._rows = RowMapper(supplier, source=source_label, mapping=mapping, words=self._words)
        self._frames = FrameMapper(supplier, mapping, self._words)
        self._drift = DriftWatch(
            mapping,
            supplier_code=supplier.code,
            source=source_label,
            has_header=has_header,
            previous=previous_columns,
            hint=hint,
        )

    @classmethod
    def of(
        cls, supplier: Supplier, feed: Feed, *, previous_columns: Sequence[str] = ()
    ) -> "ProductMapper":
        """Make the mapper of a fetched feed.

        Raises:
            SupplierError: The supplier's file leaves out what such a feed needs.
        """
        mapping = mapping_for(supplier, feed.format)
        has_header = feed.format in _FIXED
        return cls(
            supplier,
            feed.source,
            mapping,
            has_header=has_header,
            previous_columns=previous_columns,
            hint=_RENAMING.get(feed.format, ""),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The feed's columns, as far as it has been mapped."""
        return self._drift.columns

    def map_block(self, block: Block) -> Mapped:
        """Map a block.

        Raises:
            SchemaDriftError: A feed with a header lacks a column that is needed.
        """
        if block.withdrawn is not None:
            return self._without_withdrawn(block, block.withdrawn)
        self._drift.see_frame(block.frame)
        products, rest, filtered = self._frames.map(block.frame)
        if not len(rest):
            return Mapped(products.select(*PRODUCT_SCHEMA), filtered=filtered)
        rows = _rows(block, rest)
        self._rows.learn(rows)
        mapped, positions = self._one_by_one(rows)
        if mapped.products.height:
            late = mapped.products.with_columns(rest.gather(positions).alias(POSITION))
            both = pl.concat([products, late.select(products.columns)])
            products = both.sort(POSITION)
        return Mapped(
            products.select(*PRODUCT_SCHEMA),
            mapped.rejects,
            mapped.rejected_skus,
            mapped.filtered + filtered,
        )

    def _without_withdrawn(self, block: Block, withdrawn: pl.Series) -> Mapped:
        """Map the rows that are products; of the others only the sku counts."""
        gone = _rows(block, withdrawn.arg_true())
        skus = tuple(sku for row in gone if (sku := self._rows.sku(row)) is not None)
        listed = Block(block.frame.filter(~withdrawn), block.numbers.filter(~withdrawn))
        mapped = self.map_block(listed)
        return replace(mapped, filtered=mapped.filtered + len(gone), withdrawn_skus=skus)

    def map_rows(self, rows: Sequence[RawRow | BadRow]) -> Mapped:
        """Map rows; one that was kept with a reject is mapped as it was at first.

        Raises:
            SchemaDriftError: As `map_block`.
        """
        self._drift.see_rows(rows)
        self._rows.learn(rows)
        return self._one_by_one(rows)[0]

    def finish(self) -> tuple[str, ...]:
        """Return what to look at in the feed, now that all of it was mapped.

        Raises:
            SchemaDriftError: A column that is needed never came.
        """
        warnings = self._drift.finish()
        word = self._words.warning()
        return warnings if word is None else (*warnings, word)

    def _one_by_one(self, rows: Iterable[Row]) -> tuple[Mapped, list[int]]:
        """Map rows, and tell which of them became products."""
        products: list[ProductRecord] = []
        positions: list[int] = []
        rejects: list[RejectRecord] = []
        skus: list[str] = []
        filtered = 0
        for position, row in enumerate(rows):
            result = self._rows.map(row)
            if isinstance(result, ProductRecord):
                products.append(result)
                positions.append(position)
            elif isinstance(result, FilteredRow):
                filtered += 1
            else:
                rejects.append(result)
                if (sku := self._rows.sku(row)) is not None:
                    skus.append(sku)
        return Mapped(frame_of(products), tuple(rejects), tuple(skus), filtered), positions


def _rows(block: Block, positions: pl.Series) -> list[RawRow]:
    frame, numbers = block.frame[positions], block.numbers.gather(positions)
    return [
        RawRow(number, values)
        for number, values in zip(numbers, frame.iter_rows(named=True), strict=True)
    ]
