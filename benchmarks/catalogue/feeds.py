"""The catalogue as feeds: CSV, XLSX, YML and Google's XML."""

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl import Workbook  # type: ignore[import-untyped] # no stubs in the group

from catalogue.goods import COLUMNS, slices

_GOOGLE = {
    "sku": "g:id",
    "name": "title",
    "brand": "g:brand",
    "category": "g:product_type",
    "availability": "g:availability",
    "description": "description",
    "url": "link",
}


def write_csv(path: Path, rows: int, *, changed: int = 0, reverse: bool = False) -> None:
    """Write a CSV with a header; texts are quoted where they must be."""
    with path.open("wb") as file:
        for number, part in enumerate(slices(rows, changed=changed, reverse=reverse)):
            part.write_csv(file, include_header=number == 0)


def write_xlsx(path: Path, rows: int) -> None:
    """Write a workbook of one sheet; quantities are numbers, all else is text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Products")
    sheet.append(COLUMNS)
    for product in _products(rows):
        sheet.append(tuple(product.values()))
    book.save(path)


def write_yml(path: Path, rows: int) -> None:
    """Write a yml_catalog with one flat category each kind."""
    paths = sorted({product["category"] for product in _products(min(rows, 1000))})
    ids = {path: number for number, path in enumerate(paths, start=1)}
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<yml_catalog date="2026-01-01 00:00"><shop>'
            '<currencies><currency id="EUR" rate="1"/></currencies><categories>'
        )
        for category, number in ids.items():
            file.write(f'<category id="{number}">{escape(category)}</category>')
        file.write("</categories><offers>\n")
        for it in _products(rows):
            available = "true" if it["quantity"] else "false"
            file.write(
                f'<offer id="{it["sku"]}" available="{available}"><url>{it["url"]}</url>'
                f"<price>{it['price']}</price><currencyId>EUR</currencyId>"
                f"<categoryId>{ids[it['category']]}</categoryId><name>{escape(it['name'])}</name>"
                f"<vendor>{it['brand']}</vendor><description>{escape(it['description'])}"
                f"</description><count>{it['quantity']}</count></offer>\n"
            )
        file.write("</offers></shop></yml_catalog>\n")


def write_google(path: Path, rows: int) -> None:
    """Write an RSS feed of Google's product data."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" '
            'xmlns:g="http://base.google.com/ns/1.0"><channel><title>Catalogue</title>\n'
        )
        for it in _products(rows):
            fields = "".join(
                f"<{tag}>{escape(str(it[name]))}</{tag}>" for name, tag in _GOOGLE.items()
            )
            file.write(f"<item>{fields}<g:price>{it['price']} EUR</g:price></item>\n")
        file.write("</channel></rss>\n")


def _products(rows: int) -> Iterator[dict[str, str]]:
    for part in slices(rows):
        yield from part.iter_rows(named=True)
