"""Shopify's product export: products told over several rows."""

import csv
import io
import json
from pathlib import Path

import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed, FeedFormat

HEADER = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"
    "Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Qty,"
    "Variant Price,Variant Compare At Price,Variant Barcode,Image Src,Variant Image,Status"
)
TENT = (
    'tent,Tent,"<p>Light,\ndry</p>",Acme,Outdoor > Tents,Tents,"a, b",TRUE,'
    'Colour,Red,Size,"2"" x",T-R,900,3,10.00,12.00,401,1.jpg,,active\n'
    "tent,,,,,,,,,Blue,,L,T-B,910,0,11.00,,402,2.jpg,blue.jpg,\n"
    "tent,,,,,,,,,,,,,,,,,,3.jpg,,"
)
POT = "pot,Pot,,Acme,,,,FALSE,Title,Default Title,,,P-1,1,7,5.00,,,,,draft"


def parts(folder: Path, text: str) -> list[Block | Row]:
    """Read a text as such an export."""
    path = folder / "feed"
    path.write_text(text, encoding="utf-8")
    raw = ObjectRef(key="x/y", size=1)
    feed = Feed(source="shop.csv", format=FeedFormat.SHOPIFY, encoding="utf-8", raw=raw)
    return list(READERS[FeedFormat.SHOPIFY](path, feed))


def rows(folder: Path, text: str) -> list[Row]:
    """Read a text as such an export, row by row."""
    return [
        row
        for part in parts(folder, text)
        for row in (part.rows() if isinstance(part, Block) else [part])
    ]


def good(found: list[Row]) -> list[RawRow]:
    """Return the rows that could be read."""
    return [row for row in found if isinstance(row, RawRow)]


def test_variants_are_rows(tmp_path: Path) -> None:
    """Each variant has all that it shares with its product; a row with only an image is none."""
    red, blue, pot = good(rows(tmp_path, f"{HEADER}\n{TENT}\n{POT}\n"))
    shared = {
        "handle": "tent",
        "body": "<p>Light,\ndry</p>",
        "vendor": "Acme",
        "category": "Outdoor > Tents",
        "type": "Tents",
        "tags": "a, b",
        "published": "TRUE",
        "status": "active",
    }
    assert (
        2,
        shared
        | {
            "title": 'Tent - Red / 2" x',
            "sku": "T-R",
            "price": "10.00",
            "compare_at_price": "12.00",
            "quantity": "3",
            "barcode": "401",
            "image": "1.jpg",
            "params": '{"Colour":"Red","Size":"2\\" x"}',
            "Variant Grams": "900",
        },
    ) == (red.number, red.values)
    assert (
        4,
        shared
        | {
            "title": "Tent - Blue / L",
            "sku": "T-B",
            "price": "11.00",
            "compare_at_price": "",
            "quantity": "0",
            "barcode": "402",
            "image": "blue.jpg",
            "params": '{"Colour":"Blue","Size":"L"}',
            "Variant Grams": "910",
        },
    ) == (blue.number, blue.values)
    assert (6, "Pot", "", "draft", "") == (
        pot.number,
        pot.values["title"],
        pot.values["params"],
        pot.values["status"],
        pot.values["body"],
    )


def test_image_of_a_variant_without_one(tmp_path: Path) -> None:
    """It is the product's first image, not the one that happens to stand in the variant's row."""
    text = f"{HEADER}\n{TENT}\n".replace("blue.jpg", "")
    assert ["1.jpg", "1.jpg"] == [row.values["image"] for row in good(rows(tmp_path, text))]


def test_nothing_is_shared_across_products(tmp_path: Path) -> None:
    """What a product leaves empty is not taken from the one before."""
    text = f"{HEADER}\n{TENT}\n{POT}\n"
    pot = good(rows(tmp_path, text))[-1].values
    assert ("", "", "") == (pot["category"], pot["tags"], pot["image"])


def test_variant_without_sku(tmp_path: Path) -> None:
    """It is a row all the same: mapping rejects it, and so it is seen."""
    text = f"{HEADER}\n{TENT}\n".replace("T-B", "")
    assert ["T-R", ""] == [row.values["sku"] for row in good(rows(tmp_path, text))]


def test_names_of_today(tmp_path: Path) -> None:
    """Shopify renamed its columns; both are understood."""
    text = (
        "Title,URL handle,SKU,Option1 name,Option1 value,Price,Inventory quantity\n"
        "Tent,tent,T-R,Colour,Red,10.00,3\n,tent,T-B,,Blue,11.00,4\n"
    )
    found = [row.values for row in good(rows(tmp_path, text))]
    assert [("T-R", "Tent - Red", "3"), ("T-B", "Tent - Blue", "4")] == [
        (row["sku"], row["title"], row["quantity"]) for row in found
    ]


def test_broken_row_within_a_product(tmp_path: Path) -> None:
    """It costs itself only: the variant after it still belongs to its product."""
    text = f"{HEADER}\n{TENT}\n".replace("tent,,,,,,,,,Blue", "tent,oops\ntent,,,,,,,,,Blue")
    found = rows(tmp_path, text)
    assert [RawRow, BadRow, RawRow] == [type(row) for row in found]
    assert "Tent - Blue / L" == good(found)[1].values["title"]


def test_across_pieces(tmp_path: Path) -> None:
    """A product whose rows are in two pieces of the file is completed all the same."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    body = "x" * 3000
    for number in range(1200):
        for value in ("S", "M", "L"):
            first = value == "S"
            name = [f"p{number}", f"Product {number}" if first else ""]
            options = ["Size" if first else "", value, f"{number}-{value}", "1.00"]
            writer.writerow([*name, body, *options])
    header = "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant SKU,Variant Price\n"
    found = parts(tmp_path, header + buffer.getvalue())
    assert len(found) > 1
    read = [row for part in found if isinstance(part, Block) for row in part.rows()]
    assert [
        (f"{number}-{value}", f"Product {number} - {value}", {"Size": value})
        for number in range(1200)
        for value in ("S", "M", "L")
    ] == [
        (row.values["sku"], row.values["title"], json.loads(row.values["params"])) for row in read
    ]


def test_no_export(tmp_path: Path) -> None:
    """A file without handles is said to be none."""
    with pytest.raises(FeedError, match="no column 'Handle', so it is no Shopify export"):
        rows(tmp_path, "sku,name\n1,Tent\n")
