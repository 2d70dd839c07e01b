"""BMEcat's ARTICLE and PRODUCT elements as rows."""

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
from pydantic_core import to_json

from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.groups import CatalogGroups
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.header import CatalogHeader
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.language import (
    best_text,
    best_texts,
    fields_of,
)
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.price import Price, best_price
from contextworker.harvest.feeds.formats.xml_feeds.columns import Columns
from contextworker.harvest.feeds.formats.xml_feeds.text import Element, local_name, text_of

# ARTICLE_… of 1.2 and PRODUCT_… of 2005 differ in these names only.
_COLUMNS = {
    "SUPPLIER_AID": "id",
    "SUPPLIER_PID": "id",
    "DESCRIPTION_SHORT": "name",
    "DESCRIPTION_LONG": "description",
    "EAN": "ean",
    "MANUFACTURER_NAME": "manufacturer",
    "MANUFACTURER_AID": "manufacturer_pid",
    "MANUFACTURER_PID": "manufacturer_pid",
    "ORDER_UNIT": "unit",
    "PRICE_QUANTITY": "price_quantity",
}
_EAN_TYPES = frozenset({"ean", "gtin"})


class Products(Columns):
    """Rows of a catalogue; a detail that has no column of its own gets one with its name."""

    def __init__(self, source: str, header: CatalogHeader, groups: CatalogGroups) -> None:
        super().__init__(source)
        self._header = header
        self._groups = groups
        self._other_language: set[str] = set()
        self._today = datetime.now(UTC).date().isoformat()
        sections = {
            "DETAILS": self._details,
            "ORDER_DETAILS": self._details,
            "FEATURES": self._features,
            "PRICE_DETAILS": self._prices,
        }
        self._sections = {
            f"{kind}_{name}": function
            for kind in ("ARTICLE", "PRODUCT")
            for name, function in sections.items()
        } | {"MIME_INFO": self._pictures}

    def fill(self, element: Element) -> None:
        """Put a product's details, features, pictures and price into the current row."""
        self._other_language.clear()
        self._params: dict[str, str] = {}
        self._found: list[tuple[bool, Price]] = []
        mode = element.get("mode")
        if mode is not None:
            self.put("mode", mode.strip())
        for child in element:
            name = self._name(child)
            section = self._sections.get(name)
            if section is not None:
                section(child)
            elif name in _COLUMNS:
                self._detail(name, child)
        if self._params:
            self.put("params", to_json(self._params).decode())
        self._put_price()

    def frame(self) -> pl.DataFrame:
        """Add the products' groups."""
        frame = super().frame()
        if "id" in frame.columns:
            paths = self._groups.paths(frame["id"].to_list())
            frame = frame.with_columns(pl.Series("category", paths, pl.String))
        return frame

    def block(self) -> Block:
        """Say which products are gone."""
        block = super().block()
        if "mode" not in block.frame.columns:
            return block
        withdrawn = (block.frame["mode"].str.to_lowercase() == "delete").fill_null(value=False)
        return replace(block, withdrawn=withdrawn) if withdrawn.any() else block

    @staticmethod
    def _name(element: Element) -> str:
        tag = element.tag
        return local_name(tag) if isinstance(tag, str) else ""

    def _details(self, section: Element) -> None:
        for child in section:
            self._detail(self._name(child), child)

    def _detail(self, name: str, child: Element) -> None:
        text = text_of(child) if len(child) else child.text
        if not text or not name:
            return
        column = _COLUMNS.get(name)
        if column is None:
            if name == "INTERNATIONAL_PID" and (child.get("type") or "").lower() in _EAN_TYPES:
                column = "ean"
            elif len(child):
                return  # a structure of its own, such as AGREEMENT
            else:
                column = name.lower()
        language = child.get("lang")
        if language is None or language.lower() == self._header.language:
            if column in self._other_language:
                self.lists[column][-1] = text
                self._other_language.discard(column)
            else:
                self.put(column, text)
        elif column not in self.lists or len(self.lists[column]) <= self.rows:
            self.put(column, text)
            self._other_language.add(column)

    def _features(self, section: Element) -> None:
        language = self._header.language
        for feature in section.iterchildren("{*}FEATURE"):
            fields = fields_of(feature)
            name = best_text(fields.get("FNAME"), language)
            value = ", ".join(best_texts(fields.get("FVALUE"), language))
            if name and value:
                unit = best_text(fields.get("FUNIT"), language)
                value = f"{value} {unit}" if unit else value
                known = self._params.get(name)
                self._params[name] = value if known is None else f"{known}, {value}"

    def _prices(self, section: Element) -> None:
        dates: dict[str, str] = {}
        prices = []
        for child in section:
            name = self._name(child)
            if name.endswith("_PRICE") and name != "DAILY_PRICE":
                fields = {
                    self._name(field): (text_of(field) if len(field) else field.text) or ""
                    for field in child
                }
                prices.append(Price.read(child.get("price_type") or "", fields))
            elif name == "DATETIME":
                for date in child.iterchildren("{*}DATE"):
                    dates[child.get("type") or ""] = (text_of(date) or "").strip()
        starts = dates.get("valid_start_date") or ""
        ends = dates.get("valid_end_date") or "9999"
        is_valid = starts <= self._today <= ends
        self._found += [(is_valid, price) for price in prices]

    def _put_price(self) -> None:
        """Take prices that hold today; where none does, any, for the mapping to judge."""
        valid = [price for is_valid, price in self._found if is_valid]
        price = best_price(valid or [price for _, price in self._found])
        if price is None:
            return
        quantity = self.lists.get("price_quantity", [])
        self.put("price", price.each(quantity[-1] if len(quantity) > self.rows else None))
        self.put("price_type", price.kind)
        self.put("currency", price.currency or self._header.currency)

    def _pictures(self, section: Element) -> None:
        pictures: list[tuple[bool, str]] = []
        for mime in section.iterchildren("{*}MIME"):
            fields = fields_of(mime)
            kind = best_text(fields.get("MIME_TYPE"), None) or ""
            source = best_text(fields.get("MIME_SOURCE"), self._header.language)
            purpose = best_text(fields.get("MIME_PURPOSE"), None)
            if source and (kind.lower().startswith("image/") or (not kind and purpose == "normal")):
                pictures.append((purpose != "normal", source.strip()))
        if pictures:
            source = min(pictures, key=lambda picture: picture[0])[1]
            is_address = source.startswith(("http://", "https://"))
            self.put("image", source if is_address else self._header.picture_root + source)
