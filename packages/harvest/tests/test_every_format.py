"""Every format from a supplier's web server to the Brain, by the least that a file can say."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import polars as pl
import pytest
import xlwt  # type: ignore[import-untyped]  # it ships no types
from temporalio.testing import ActivityEnvironment

from contextworker.brain import Brain
from contextworker.harvest.activities import Harvester
from contextworker.harvest.errors import SchemaDriftError
from contextworker.harvest.messages import FetchedFeeds, HarvestRun, TransformedFeeds

FEEDS = Path(__file__).parent / "feeds"
EXPECTED = json.loads((FEEDS / "every_format.json").read_text(encoding="utf-8"))
"""What is to be stored, by feed and sku."""

HEADER = ("sku", "name", "price", "stock", "state", "colour")
ROWS: tuple[tuple[Any, ...], ...] = (
    ("0042", "Zelt Fjell, grün", 249.5, 7, "in_stock", "grün"),
    ("0043", "Лампа «Kveld»", 15, 0, "out of stock", None),
)
MAPPING = """
[mapping]
sku = "sku"
name = "name"
price_retail = "price"
quantity = "stock"
availability = "state"
params = ["colour"]
"""
GOOGLE_TSV = (
    "id\ttitle\tdescription\tlink\timage link\tavailability\tprice\tbrand\tproduct type\tgtin\n"
    "7\tTent\tLight\thttps://x.y/7\thttps://x.y/7.jpg\tin_stock\t15.00 USD\tNordlys\tCamping > "
    "Tents\t4006381333931\n"
)
SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,"
    "Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Status\n"
    "tent,Tent,Light,Nordlys,Tents,new,true,Size,S,T-S,3,9.00,12.00,https://x.y/t.jpg,active\n"
    "tent,,,,,,,,L,T-L,-2,10.00,,,\n"
)
ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="Stock">{rows}</table:table>
</office:spreadsheet></office:body></office:document-content>"""


def text(delimiter: str, encoding: str) -> bytes:
    """Write the table as text; every value is quoted."""
    lines = [
        delimiter.join(f'"{"" if value is None else value}"' for value in row)
        for row in (HEADER, *ROWS)
    ]
    return "\r\n".join(lines).encode(encoding)


def json_document() -> bytes:
    """Write the table as a JSON document with the list inside."""
    items = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    return json.dumps({"count": 2, "data": {"items": items}}).encode()


def json_lines() -> bytes:
    """Write the table as a JSON object a line."""
    return b"\n".join(
        json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False).encode() for row in ROWS
    )


def xlsx() -> bytes:
    """Write the table as Excel does."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def xls() -> bytes:
    """Write the table as Excel did until 2003."""
    book, file = xlwt.Workbook(encoding="utf-8"), io.BytesIO()
    page = book.add_sheet("Stock")
    for number, row in enumerate((HEADER, *ROWS)):
        for column, value in enumerate(row):
            page.write(number, column, value)
    book.save(file)
    return file.getvalue()


def ods() -> bytes:
    """Write the table as LibreOffice does."""

    def cell(value: Any) -> str:
        if value is None:
            return "<table:table-cell/>"
        kind = "string" if isinstance(value, str) else f'float" office:value="{value}'
        return (
            f'<table:table-cell office:value-type="{kind}"><text:p>{value}</text:p>'
            "</table:table-cell>"
        )

    rows = "".join(
        f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in (HEADER, *ROWS)
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        archive.writestr("content.xml", ODS.format(rows=rows))
    return file.getvalue()


def parquet() -> bytes:
    """Write the table as a database exports it."""
    file = io.BytesIO()
    frame = pl.DataFrame(ROWS, schema=list(HEADER), orient="row", strict=False)
    frame.write_parquet(file)
    return file.getvalue()


def committed(name: str) -> Callable[[], bytes]:
    """Serve a file of the repository."""
    return (FEEDS / name).read_bytes


async def harvest(harvester: Harvester, run: HarvestRun) -> TransformedFeeds:
    """Fetch, transform and store the run's supplier."""
    fetched: FetchedFeeds = await ActivityEnvironment().run(harvester.fetch_products, run)
    done: TransformedFeeds = await ActivityEnvironment().run(harvester.transform_data, fetched)
    await ActivityEnvironment().run(harvester.sync_to_brain, done)
    return done


_SAID = {
    "category",
    "brand_name",
    "description",
    "quantity",
    "price_retail",
    "currency",
    "availability",
    "url",
    "image_url",
    "params",
    "status",
    "name",
}


async def stored(brain: Brain) -> dict[str, dict[str, Any]]:
    """Return by sku what the Brain knows of each product; what is empty is left out."""
    return {
        product.sku: {
            name: value
            for name, value in product.model_dump(mode="json").items()
            if name in _SAID and value not in (None, {}, "active")
        }
        for product in await brain.list_products("acme")
    }


@pytest.mark.parametrize(
    ("write", "mapping", "expected"),
    [
        pytest.param(lambda: text(";", "utf-8-sig"), MAPPING, "table", id="csv"),
        pytest.param(lambda: text("\t", "utf-16"), MAPPING, "table", id="tsv"),
        pytest.param(json_document, MAPPING, "table", id="json"),
        pytest.param(json_lines, MAPPING, "table", id="jsonl"),
        pytest.param(xlsx, MAPPING, "table", id="xlsx"),
        pytest.param(xls, MAPPING, "table", id="xls"),
        pytest.param(ods, MAPPING, "table", id="ods"),
        pytest.param(parquet, MAPPING, "table", id="parquet"),
        pytest.param(committed("google.xml"), "", "google", id="google"),
        pytest.param(committed("google_atom.xml"), "", "google-atom", id="google-atom"),
        pytest.param(GOOGLE_TSV.encode, "", "google_tsv", id="google_tsv"),
        pytest.param(committed("yml.xml"), "", "yml", id="yml"),
        pytest.param(SHOPIFY.encode, "", "shopify", id="shopify"),
        pytest.param(committed("bmecat_12.xml"), "", "bmecat", id="bmecat"),
        pytest.param(committed("bmecat_2005_update.xml"), "", "bmecat-2005", id="bmecat-2005"),
    ],
)
async def test_stored(
    *,
    harvester: Harvester,
    brain: Brain,
    suppliers: Any,
    web: Any,
    run: HarvestRun,
    write: Callable[[], bytes],
    mapping: str,
    expected: str,
) -> None:
    """A feed whose file says no more than where it is, and what its own columns mean, is stored."""
    url = web.answer("/export", write(), headers={"Content-Type": "application/octet-stream"})
    suppliers.write("camp", url, rest=mapping)
    done = await harvest(harvester, run)
    assert ({}, ()) == (done.rejected_by_reason, done.warnings)
    assert EXPECTED[expected] == await stored(brain)


UPDATE = """<BMECAT version="2005"><HEADER><CATALOG><CURRENCY>EUR</CURRENCY></CATALOG></HEADER>
<T_UPDATE_PRODUCTS prev_version="7">
<PRODUCT mode="Delete"><SUPPLIER_PID>10-300</SUPPLIER_PID></PRODUCT>
<PRODUCT mode="delete"><SUPPLIER_PID>unknown</SUPPLIER_PID></PRODUCT>
</T_UPDATE_PRODUCTS></BMECAT>"""


async def test_withdrawn(
    harvester: Harvester, brain: Brain, suppliers: Any, web: Any, run: HarvestRun
) -> None:
    """What a BMEcat update deletes is removed, though it has a number only; the rest stays."""
    url = web.answer("/export", committed("bmecat_12.xml")())
    suppliers.write("camp", url, rest="")
    await harvest(harvester, run)
    web.answer("/export", UPDATE)
    done = await harvest(harvester, run.model_copy(update={"run_id": "run-2"}))
    assert (2, 2, 1, {}) == (done.rows, done.filtered, done.removed, done.rejected_by_reason)
    assert {"10-200"} == (await stored(brain)).keys()


@pytest.mark.parametrize(
    ("body", "sku", "name", "read_as"),
    [
        pytest.param(SHOPIFY, "Variant SKU", "Handle", "a Shopify export", id="shopify"),
        pytest.param(GOOGLE_TSV, "image link", "title", "a Google Merchant feed", id="google_tsv"),
    ],
)
async def test_own_columns_of_a_known_table(
    *,
    harvester: Harvester,
    suppliers: Any,
    web: Any,
    run: HarvestRun,
    body: str,
    sku: str,
    name: str,
    read_as: str,
) -> None:
    """A mapping by the columns that the file has is told how to get them, and then does."""
    url = web.answer("/export", body)
    mapping = f'[mapping]\nsku = "{sku}"\nname = "{name}"'
    suppliers.write("camp", url, rest=mapping)
    with pytest.raises(SchemaDriftError) as caught:
        await harvest(harvester, run)
    said = str(caught.value)
    assert f"It is read as {read_as}, whose columns have names of their own" in said
    assert 'set format = "csv" for this source' in said
    suppliers.write("camp", url, source='format = "csv"', rest=mapping)
    done = await harvest(harvester, run)
    assert body.count("\n") - 1 == done.inserted
