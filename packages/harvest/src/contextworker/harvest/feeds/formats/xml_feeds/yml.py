"""YML feeds: Yandex Market Language, `yml_catalog`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from pydantic_core import to_json

from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats.xml_feeds.columns import Columns, Route, ignore
from contextworker.harvest.feeds.formats.xml_feeds.records import XmlRecords
from contextworker.harvest.feeds.formats.xml_feeds.text import Element, local_name
from contextworker.harvest.feeds.formats.xml_feeds.yml_shop import ROOTS, YmlShop, iso_code
from contextworker.harvest.messages import Feed

# A column, and what it is called in feeds; the first that has a value counts.
_NAMES = {
    "category_id": ("categoryId",),
    "currency": ("currencyId", "currency"),
    "oldprice": ("oldprice", "old_price", "price_old"),
    "vendor_code": ("vendorCode", "vendor_code"),
    "available": ("available", "in_stock"),
    "quantity": ("stock_quantity", "quantity_in_stock", "quantity", "count", "stock"),
}
_COLUMN = {name: column for column, names in _NAMES.items() for name in names}
_IGNORED = frozenset({"delivery-options", "pickup-options", "outlets"})
_BOOKS = ("book", "audiobook")
_WORDS = {"1": "true", "yes": "true", "0": "false", "no": "false"}


def read_yml(path: Path, feed: Feed) -> Iterator[Block]:
    """Yield a YML feed's offers; numbers count `offer` elements.

    Raises:
        FeedError: It is no such feed, is not well-formed, or is cut off.
    """
    shop = YmlShop(path, feed)
    offers = _Offers(feed.source, shop)
    records = XmlRecords(path, feed, roots=ROOTS, records=("offer", "category", "currency"))
    for name, element in records:
        if name != "offer":
            shop.add(element)
            continue
        offers.add(element)
        if offers.full(records.position):
            yield offers.block()
    if offers.rows:
        yield offers.block()


class _Offers(Columns):
    def __init__(self, source: str, shop: YmlShop) -> None:
        super().__init__(source)
        self._shop = shop
        self._params: dict[str, str] = {}
        self._functions = {
            "param": self._param,
            **dict.fromkeys(_IGNORED, ignore),
        }

    def fill(self, element: Element) -> None:
        lists, row = self.lists, self.rows
        for name, value in element.items():
            texts = lists.get(name)
            if value and texts is not None and len(texts) == row:
                texts.append(value)
            elif value:
                self.put(name, value)
        super().fill(element)
        if self._params:
            self.put("params", to_json(self._params).decode())
            self._params = {}

    def again(self, tag: str, text: str) -> None:
        """Take further pictures; of everything else the first counts."""
        if local_name(tag) == "picture":
            more = self.list_of("more_pictures")
            if len(more) > self.rows:
                more[-1] = f"{more[-1]}, {text}"
            else:
                self.put("more_pictures", text)

    def route(self, child: Element) -> Route:
        if isinstance(child.tag, str):
            name = local_name(child.tag)
            return self._functions.get(name) or self.list_of(name)
        return super().route(child)

    def frame(self) -> pl.DataFrame:
        raw = super().frame()
        taken: dict[str, Sequence[str]] = {}
        for name in raw.columns:
            column = _COLUMN.get(name, name)
            taken[column] = [one for one in _NAMES.get(column, (name,)) if one in raw.columns]
        frame = raw.select(pl.coalesce(names).alias(column) for column, names in taken.items())
        return frame.with_columns(
            *_name(frame.columns),
            *_currency(frame.columns),
            *_available(frame.columns),
            *self._category(frame),
            pl.lit(self._shop.currencies(), pl.String).alias("currencies"),
        )

    def _category(self, offers: pl.DataFrame) -> Iterator[pl.Series]:
        """Name the offers' categories; what an offer itself says counts where the id is unknown."""
        if "category_id" in offers.columns:
            ids = offers["category_id"]
            paths = {one: self._shop.category(one) for one in ids.unique() if one is not None}
            named = ids.replace_strict(paths, default=None, return_dtype=pl.String)
            if "category" in offers.columns:
                named = named.zip_with(named.is_not_null(), offers["category"])
            yield named.alias("category")

    def _param(self, child: Element, value: str | None) -> None:
        if not value:
            return
        name = child.get("name") or "param"
        if unit := child.get("unit"):
            value = f"{value} {unit}"
        params = self._params
        params[name] = value if name not in params else f"{params[name]}, {value}"


def _name(columns: Sequence[str]) -> Iterator[pl.Expr]:
    """Name offers whose name is in parts: `vendor.model`, and books by their author, too."""

    def joined(*names: str, separator: str = " ") -> pl.Expr:
        parts = [pl.col(name).str.strip_chars() for name in names if name in columns]
        text = pl.concat_str(parts, separator=separator, ignore_nulls=True)
        return pl.when(text.str.len_bytes() > 0).then(text)

    def any_of(*names: str) -> bool:
        return any(name in columns for name in names)

    ways = []
    if any_of("name"):
        name = pl.col("name")
        if any_of("author") and any_of("type"):
            name = (
                pl.when(pl.col("type").is_in(_BOOKS))
                .then(joined("author", "name", separator=": "))
                .otherwise(name)
            )
        ways.append(name)
    if any_of("model"):
        ways.append(joined("typePrefix", "vendor", "model"))
    if any_of("title"):
        ways.append(joined("artist", "title", separator=": "))
    if ways:
        yield pl.coalesce(ways).alias("name")


def _currency(columns: Sequence[str]) -> Iterator[pl.Expr]:
    if "currency" in columns:
        code = pl.col("currency")
        yield code.replace({one: iso_code(one) for one in ("RUR", "rur", "Rur")})


def _available(columns: Sequence[str]) -> Iterator[pl.Expr]:
    if "available" in columns:
        yield pl.col("available").str.strip_chars().str.to_lowercase().replace(_WORDS)
