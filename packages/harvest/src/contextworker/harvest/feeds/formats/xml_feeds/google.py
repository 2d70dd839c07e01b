"""Google Merchant feeds: RSS 2.0 or Atom, with Google's own elements, prefixed `g:` or not."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats.xml_feeds.columns import Columns, Route, blocks
from contextworker.harvest.feeds.formats.xml_feeds.records import XmlRecords
from contextworker.harvest.feeds.formats.xml_feeds.text import Element, local_name, text_of
from contextworker.harvest.messages import Feed

GOOGLE = "http://base.google.com/ns/1.0"
_ATOM = "{http://www.w3.org/2005/Atom}"
_SEPARATOR = ", "
_FIRST_ONLY = frozenset({"product_type", "title", "description", "id", "price"})
_GROUPS = frozenset(
    {
        "carrier_shipping",
        "certification",
        "free_shipping_threshold",
        "installment",
        "loyalty_points",
        "loyalty_program",
        "product_detail",
        "product_fee",
        "shipping",
        "subscription_cost",
        "tax",
    }
)
_ATOM_NAMES = {"summary": "description", "content": "description"}


def read_google(path: Path, feed: Feed) -> Iterator[Block]:
    """Yield a Google Merchant feed's products; numbers count `item` or `entry` elements.

    Raises:
        FeedError: It is no such feed, is not well-formed, or is cut off.
    """
    records = XmlRecords(
        path,
        feed,
        roots=("rss", "feed", "RDF"),
        records=("item", "entry"),
        namespaces={"g": GOOGLE},
    )
    yield from blocks(records, _Items(feed.source))


class _Items(Columns):
    """Columns by tag, with namespace: `g:id` and Atom's own `id` are two until the block is full.

    A group such as `shipping` becomes what it is in Google's TSV: its values, parted by colons.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._ranks: dict[str, int] = {}

    def route(self, child: Element) -> Route:
        route = super().route(child)
        if not isinstance(tag := child.tag, str):
            return route
        self._ranks[tag] = _rank(child)
        return self._link if local_name(tag) == "link" and child.get("href") else route

    def nested(self, child: Element) -> str | None:
        if not (local_name(child.tag) in _GROUPS or _has_siblings_inside(child)):
            return text_of(child)
        texts = (text.strip() for text in child.itertext())
        return ":".join(text for text in texts if text) or None

    def again(self, tag: str, text: str) -> None:
        if local_name(tag) not in _FIRST_ONLY:
            texts = self.lists[tag]
            texts[-1] = f"{texts[-1]}{_SEPARATOR}{text}"

    def frame(self) -> pl.DataFrame:
        tags = defaultdict[str, list[str]](list)
        for tag in sorted(self.lists, key=lambda tag: self._ranks[tag]):
            name = local_name(tag)
            if tag.startswith(_ATOM):
                name = _ATOM_NAMES.get(name, name)
            tags[name].append(tag)
        raw = super().frame()
        return raw.select(pl.coalesce(found).alias(name) for name, found in tags.items())

    def _link(self, child: Element, _text: str | None) -> None:
        """Take where an Atom link to the product's page leads."""
        if child.get("rel", "alternate") == "alternate" and (where := child.get("href")):
            self.put(child.tag, where)


def _rank(child: Element) -> int:
    """Say which of two elements with one name goes before the other: Google's own first."""
    namespace = child.tag[1:].partition("}")[0] if child.tag.startswith("{") else ""
    if child.prefix == "g" or "base.google.com/ns" in namespace:
        return 0
    if child.tag.startswith(_ATOM) and local_name(child.tag) in _ATOM_NAMES:
        return 3
    # A container's own namespace: RSS 2.0 has none, RSS 1.0 and Atom have one.
    return 1 if not namespace or child.prefix is None else 2


def _has_siblings_inside(child: Element) -> bool:
    """Whether the elements inside are of the same, named vocabulary as the element itself."""
    namespace = child.tag.rpartition("}")[0]
    return child.prefix is not None and all(
        isinstance(inner.tag, str) and inner.tag.rpartition("}")[0] == namespace for inner in child
    )
