"""Which catalogue group a BMEcat product is in: said beside the products, often after them."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.language import best_text, fields_of
from contextworker.harvest.feeds.formats.xml_feeds.category_tree import CategoryTree
from contextworker.harvest.feeds.formats.xml_feeds.records import XmlRecords
from contextworker.harvest.messages import Feed

_MAPS = ("ARTICLE_TO_CATALOGGROUP_MAP", "PRODUCT_TO_CATALOGGROUP_MAP")
_AT_ONCE = 50_000
_MOST = 10_000_000


class CatalogGroups:
    """Paths of groups by product.

    The feed is read once for them alone. Of each product a hash and a number are kept, 12 bytes;
    that two of ten million share a hash of 64 bits is less likely than one in 100,000.
    """

    def __init__(self, path: Path, feed: Feed, language: str | None) -> None:
        """Read the groups of a feed.

        Raises:
            FeedError: There are too many, or the feed cannot be read.
        """
        self._source = feed.source
        self._tree = CategoryTree(feed.source)
        self._language = language
        self._numbers: dict[str, int] = {}
        self._products: list[str] = []
        self._groups: list[int] = []
        self._parts: list[pl.DataFrame] = []
        self._count = 0
        records = XmlRecords(path, feed, roots=("BMECAT",), records=("CATALOG_STRUCTURE", *_MAPS))
        for name, element in records:
            fields = fields_of(element)
            if name == "CATALOG_STRUCTURE":
                self._add_group(element.get("type"), fields)
            else:
                self._add_product(fields)
        self._flush()
        found = pl.concat(self._parts) if self._parts else _part([], [])
        self._parts = []
        # A product's first group is the one that counts.
        self._known = found.sort("hash", maintain_order=True)
        self._ids = list(self._numbers)

    def paths(self, products: Sequence[str | None]) -> list[str | None]:
        """Return a path of group names for each product id."""
        if not self._known.height:
            return [None] * len(products)
        hashes = _hashes(products)
        at = self._known["hash"].search_sorted(hashes, side="left")
        at = at.clip(0, self._known.height - 1)
        found = self._known[at]
        numbers = found["group"].zip_with(
            found["hash"] == hashes, pl.Series([None], dtype=pl.UInt32)
        )
        path = self._tree.path
        return [
            None if product is None or number is None else path(self._ids[number])
            for product, number in zip(products, numbers, strict=True)
        ]

    def _add_group(self, kind: str | None, fields: dict[str, list[tuple[str | None, str]]]) -> None:
        number = best_text(fields.get("GROUP_ID"), None)
        if number is None:
            return
        # The root is the catalogue itself; its name says nothing of a product.
        name = "" if kind == "root" else best_text(fields.get("GROUP_NAME"), self._language)
        self._tree.add(
            number.strip(),
            name or "",
            (best_text(fields.get("PARENT_ID"), None) or "").strip() or None,
        )

    def _add_product(self, fields: dict[str, list[tuple[str | None, str]]]) -> None:
        product = best_text(fields.get("ART_ID") or fields.get("PROD_ID"), None)
        group = best_text(fields.get("CATALOG_GROUP_ID"), None)
        if product is None or group is None:
            return
        self._products.append(product.strip())
        self._groups.append(self._numbers.setdefault(group.strip(), len(self._numbers)))
        if len(self._products) >= _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._count += len(self._products)
        if self._count > _MOST or len(self._numbers) > _MOST // 10:
            raise FeedError(
                f"the feed {self._source} puts more than {_MOST:,} products into groups; "
                "ask the supplier for several smaller catalogues"
            )
        if self._products:
            self._parts.append(_part(self._products, self._groups))
            self._products, self._groups = [], []


def _part(products: list[str], groups: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"hash": _hashes(products), "group": pl.Series(groups, dtype=pl.UInt32)})


def _hashes(products: Sequence[str | None]) -> pl.Series:
    return pl.Series(products, dtype=pl.String).str.strip_chars().hash()
