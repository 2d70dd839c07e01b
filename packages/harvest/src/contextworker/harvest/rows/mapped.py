"""What mapping makes of some rows of a feed."""

from dataclasses import dataclass

import polars as pl

from contextworker.brain import RejectRecord


@dataclass(frozen=True, slots=True)
class Mapped:
    """Products, rejects, and how many rows are neither."""

    products: pl.DataFrame
    """Of `contextworker.brain.frames.PRODUCT_SCHEMA`, content_hash and all, in the feed's order; a
    sku may come twice."""
    rejects: tuple[RejectRecord, ...] = ()
    rejected_skus: tuple[str, ...] = ()
    """Of the rejects that have one: their products are in the feed, so they are not gone."""
    filtered: int = 0
    """Rows that the mapping's lists leave out, or that withdraw a product."""
    withdrawn_skus: tuple[str, ...] = ()
    """Products that the feed itself says are gone."""

    @property
    def rows(self) -> int:
        """Rows that these were."""
        return self.products.height + len(self.rejects) + self.filtered
