"""BMEcat catalogues, 1.2 (ARTICLE) and 2005 (PRODUCT)."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.groups import CatalogGroups
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.header import CatalogHeader
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.products import Products
from contextworker.harvest.feeds.formats.xml_feeds.records import XmlRecords
from contextworker.harvest.messages import Feed

_TRANSACTIONS = ("T_NEW_CATALOG", "T_UPDATE_PRODUCTS", "T_UPDATE_PRICES")


def read_bmecat(path: Path, feed: Feed) -> Iterator[Block]:
    """Yield a catalogue's products; numbers count `ARTICLE` or `PRODUCT` elements.

    Blocks of T_UPDATE_PRODUCTS are partial.

    Raises:
        FeedError: It is no such catalogue, has prices only, is not well-formed, or is cut off.
    """
    header = CatalogHeader()
    products: Products | None = None
    is_partial = False
    records = XmlRecords(
        path,
        feed,
        roots=("BMECAT",),
        records=("HEADER", "ARTICLE", "PRODUCT"),
        openings=_TRANSACTIONS,
    )
    for name, element in records:
        if name == "HEADER":
            header = CatalogHeader.read(element)
        elif name == "T_UPDATE_PRICES":
            raise FeedError(
                f"the feed {feed.source} is a BMEcat price update (T_UPDATE_PRICES), which has "
                "prices but no names; ask the supplier for the whole catalogue (T_NEW_CATALOG) "
                "or for T_UPDATE_PRODUCTS"
            )
        elif name in _TRANSACTIONS:
            is_partial = name == "T_UPDATE_PRODUCTS"
        else:
            if products is None:
                groups = CatalogGroups(path, feed, header.language)
                products = Products(feed.source, header, groups)
            products.add(element)
            if products.full(records.position):
                yield dataclasses.replace(products.block(), is_partial=is_partial)
    if products is not None and products.rows:
        yield dataclasses.replace(products.block(), is_partial=is_partial)
