"""What a YML shop says beside its offers: categories and currency rates."""

from decimal import Decimal, InvalidOperation
from pathlib import Path

from pydantic_core import to_json

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.formats.xml_feeds.category_tree import CategoryTree
from contextworker.harvest.feeds.formats.xml_feeds.records import XmlRecords
from contextworker.harvest.feeds.formats.xml_feeds.text import Element, text_of
from contextworker.harvest.messages import Feed

ROOTS = ("yml_catalog", "shop")
_RECORDS = ("category", "currency")
_MOST_CURRENCIES = 1000


class YmlShop:
    """Categories and currencies, as far as they have been read.

    Nearly every feed has them before its offers. Where an offer needs what has not been read yet,
    the feed is read once for these alone.
    """

    def __init__(self, path: Path, feed: Feed) -> None:
        self._path = path
        self._feed = feed
        self._tree = CategoryTree(feed.source)
        self._rates: dict[str, str | None] = {}
        self._is_whole = False

    def add(self, element: Element) -> None:
        """Take a `category` or a `currency`."""
        number = (element.get("id") or "").strip()
        if not number:
            return
        if element.tag.endswith("category"):
            parent = (element.get("parentId") or "").strip()
            self._tree.add(number, text_of(element) or element.get("name") or "", parent or None)
        elif (code := iso_code(number)) not in self._rates:
            self._rates[code] = _rate(element.get("rate") or "")
            if len(self._rates) > _MOST_CURRENCIES:
                raise FeedError(
                    f"the feed {self._feed.source} has more than {_MOST_CURRENCIES:,} currencies; "
                    "ask the supplier to correct the export"
                )

    def category(self, number: str) -> str | None:
        """Return a category's path of names."""
        number = number.strip()
        path = self._tree.path(number)
        if path is None and not self._is_whole:
            self._read_ahead()
            path = self._tree.path(number)
        return path

    def currencies(self) -> str | None:
        """Return the rates as a JSON object; currencies without a rate in the feed are left out."""
        if not self._rates and not self._is_whole:
            self._read_ahead()
        rates = {code: rate for code, rate in self._rates.items() if rate is not None}
        return to_json(rates).decode() if rates else None

    def _read_ahead(self) -> None:
        self._is_whole = True
        for _, element in XmlRecords(self._path, self._feed, roots=ROOTS, records=_RECORDS):
            self.add(element)


def iso_code(code: str) -> str:
    """Return a currency's ISO code; feeds go on calling the rouble RUR."""
    code = code.strip().upper()
    return "RUB" if code == "RUR" else code


def _rate(text: str) -> str | None:
    """Read a rate as a decimal; None for a bank's name, such as CBRF, NBU or CB."""
    try:
        rate = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    if not rate.is_finite() or rate <= 0 or abs(rate.adjusted()) > 12:  # noqa: PLR2004 - no rate
        return None
    return format(rate, "f")
