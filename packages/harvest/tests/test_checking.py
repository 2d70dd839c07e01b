"""Looking at feeds without storing anything."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from contextworker.harvest.checking import ROWS, Checker, SourceReport
from contextworker.harvest.feeds.fetch import Fetcher, fetch_limits
from contextworker.harvest.settings import HarvestSettings
from contextworker.harvest.suppliers import SupplierDirectory

Check = Callable[..., Awaitable[SourceReport]]

_YML = """<?xml version="1.0" encoding="utf-8"?><yml_catalog date="2026-01-01 10:00"><shop>
<currencies><currency id="UAH" rate="1"/></currencies>
<categories><category id="1">Tents</category></categories>
<offers><offer id="7" available="true"><name>Tent</name><price>10</price>
<currencyId>UAH</currencyId><categoryId>1</categoryId></offer></offers></shop></yml_catalog>"""


@pytest.fixture
def check(suppliers: Any, environment: dict[str, str]) -> Check:  # its settings
    """Return what looks at a supplier's first source."""
    checker = Checker(
        Fetcher(fetch_limits(HarvestSettings()), environment={}), max_workbook_bytes=10**8
    )

    async def run(code: str, sample: int = 3) -> SourceReport:
        supplier = SupplierDirectory(suppliers.folder).load(code)
        return await checker.check(supplier, 0, sample=sample)

    return run


async def test_a_mapped_feed(suppliers: Any, web: Any, check: Check) -> None:
    """It tells how the feed is written, what becomes of its columns, and the first of each kind."""
    lines = [
        "sku;name;price;stock;colour",
        "a1;Tent;1,50;3;red",
        ";None;1,00;1;",
        "b1;Mat;x;2;blue",
    ]
    body = "\n".join([*lines, *(f"c{n};Cup;2,00;1;red" for n in range(9)), ""])
    suppliers.write("shop", web.answer("/feed", body, headers={"Content-Type": "text/csv"}))
    report = await check("shop")
    assert ("csv", "utf-8", ";", 12, True) == (
        report.format,
        report.encoding,
        report.delimiter,
        report.rows,
        report.is_whole,
    )
    assert {
        "sku": (("sku",), "code"),
        "name": (("name",), "text"),
        "price": (("price_retail",), "amount"),
        "stock": (("quantity",), "whole number"),
        "colour": ((), "text"),
    } == {item.column: (item.fields, item.kind) for item in report.columns}
    assert ("red", "blue") == report.columns[-1].values
    assert (10, ["a1", "c0", "c1"]) == (
        report.product_count,
        [item["sku"] for item in report.products],
    )
    assert [(3, "missing_sku"), (4, "bad_price")] == [
        (reject.row_number, reject.reason_code) for reject in report.rejects
    ]
    assert {"missing_sku": 1, "bad_price": 1} == report.reject_counts
    assert (None, None, None) == (report.problem, report.drift, report.guess)


async def test_nothing_is_stored(
    suppliers: Any, check: Check, environment: dict[str, str], tmp_path: Path
) -> None:
    """No Brain and no object store is made."""
    suppliers.csv("shop", 10)
    assert 10 == (await check("shop")).product_count
    assert environment
    assert [suppliers.folder] == await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


async def test_no_mapping_yet(suppliers: Any, check: Check) -> None:
    """A mapping is guessed, and what it makes of the feed is shown."""
    suppliers.feed("new.csv", "article_no,title,price\n1,Tent,9.50\n2,Mat,8.50\n")
    suppliers.write("new", "new.csv", rest="")
    report = await check("new")
    assert report.is_guessed
    assert report.guess is not None
    assert '[mapping]\nsku = "article_no"  # 1, 2\n' in report.guess
    assert ["Tent", "Mat"] == [item["name"] for item in report.products]
    assert [("sku",), ("name",), ("price_retail",)] == [item.fields for item in report.columns]


async def test_half_a_mapping(suppliers: Any, check: Check) -> None:
    """A mapping that lacks what every product needs is told of, beside a guess."""
    suppliers.feed("new.csv", "article_no,title\n1,Tent\n")
    suppliers.write("new", "new.csv", rest='[mapping]\nname = "title"')
    report = await check("new")
    assert "mapping.sku is missing" in str(report.problem)
    assert 'sku = "article_no"' in str(report.guess)
    assert () == report.products
    assert [(), ("name",)] == [item.fields for item in report.columns]


async def test_a_format_with_a_mapping_of_its_own(suppliers: Any, check: Check) -> None:
    """A YML catalogue needs no mapping, and none is guessed."""
    suppliers.feed("shop.yml", _YML)
    suppliers.write("shop", "shop.yml", rest="")
    report = await check("shop")
    assert ("yml", None, None) == (report.format, report.problem, report.guess)
    (product,) = report.products
    assert ("7", "Tents", "10", "UAH") == (
        product["sku"],
        product["category"],
        product["price_retail"],
        product["currency"],
    )


async def test_drift(suppliers: Any, check: Check) -> None:
    """A feed that lost a column is shown as it is, with what a harvest would say of it."""
    suppliers.feed("shop.csv", "sku,name,salePrice,stock\na,Tent,1.50,1\n")
    suppliers.write("shop", "shop.csv")
    report = await check("shop")
    assert "the likeliest new one is 'salePrice'" in str(report.drift)
    assert ["sku", "name", "salePrice", "stock"] == [item.column for item in report.columns]
    assert () == report.products


async def test_only_the_beginning_is_looked_at(suppliers: Any, check: Check) -> None:
    """A large feed is not read to its end."""
    suppliers.csv("shop", ROWS + 1000)
    report = await check("shop", sample=20)
    assert (ROWS, ROWS, 20, False) == (
        report.rows,
        report.product_count,
        len(report.products),
        report.is_whole,
    )


async def test_rows_of_many_shapes(suppliers: Any, check: Check) -> None:
    """Rows that come one by one, broken ones too, are looked at like those of tables."""
    lines = [json.dumps({"sku": f"{n}", "name": "Cup", "price": n, "stock": 1}) for n in range(3)]
    suppliers.feed("shop.jsonl", "\n".join([*lines, '{"sku": "x", ']))  # a torn last line
    suppliers.write("shop", "shop.jsonl")
    report = await check("shop")
    assert (4, 3, 1) == (report.rows, report.product_count, len(report.rejects))


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/gone", "404"), ("/page", "is a web page"), ("/empty", "is empty")],
)
async def test_no_feed(suppliers: Any, web: Any, check: Check, path: str, problem: str) -> None:
    """What cannot be had, or is no feed, is a sentence."""
    web.answer("/page", "<!DOCTYPE html><html><body>Log in</body></html>")
    web.answer("/empty", "")
    suppliers.write("shop", web.url(path))
    report = await check("shop")
    assert problem in str(report.problem)
    assert () == report.columns


async def test_a_feed_that_breaks_off(suppliers: Any, check: Check) -> None:
    """What could be read is shown, and then what is wrong."""
    suppliers.feed("shop.yml", _YML.replace("</offers></shop></yml_catalog>", ""))
    suppliers.write("shop", "shop.yml", rest="")
    report = await check("shop")
    assert report.problem is not None
    assert "\n" not in report.problem
