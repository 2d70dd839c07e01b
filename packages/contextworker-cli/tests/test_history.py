"""A product's history on the command line."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contextworker.brain import ProductRecord, open_brain

Call = Callable[..., Any]


def product(price: str, dealer: str = "shop", **fields: Any) -> ProductRecord:
    """Return the product at a price."""
    given = {"sku": "A-1", "name": "Tent", "dealer_code": dealer, "currency": "EUR", **fields}
    return ProductRecord.model_validate({**given, "price_retail": price})


@pytest.fixture
def stored(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store a product that changes, goes and comes back, and others of like names."""
    call()  # clears the environment
    url = f"sqlite:///{tmp_path}/brain.db"
    monkeypatch.setenv("BRAIN_URL", url)

    async def work() -> None:
        async with open_brain(url) as brain:
            first = [product("9.50", quantity=3), product("1", sku="A-10"), product("7", "other")]
            await brain.upsert_products("t", first, run_id="1")
            await brain.upsert_products("t", [product("12.00", quantity=3)], run_id="2")
            await brain.remove_products("t", ["A-1"], dealer_code="shop", run_id="3")

    asyncio.run(work())


def words(text: str) -> str:
    """Text without what lays it out."""
    return " ".join(text.split())


@pytest.mark.usefixtures("stored")
def test_history(call: Call) -> None:
    """Changes come the latest first, and at the end what the product was first seen with."""
    called = call("brain", "history", "A-1", "--tenant", "t", "--supplier", "shop")
    assert 0 == called.code, called.err
    lines = [words(line) for line in called.out.splitlines() if line.strip()][2:]
    assert [
        "in the feed yes → no 3",
        "price 9.50 EUR → 12.00 EUR 2",
        "price first seen: 9.50 EUR",
        "stock first seen: 3",
    ] == [line.split(" ", 2)[2] for line in lines]


@pytest.mark.usefixtures("stored")
def test_history_as_json(call: Call) -> None:
    """Programs get amounts with every digit, and are told what is the beginning."""
    lines = json.loads(call("brain", "history", "A-1", "--tenant", "t", "--json").out)
    assert [
        ("shop", "listed", "true", "false", False, "3"),
        ("shop", "price_retail", "9.5", "12", False, "2"),
        ("other", "price_retail", None, "7", True, None),
        ("shop", "price_retail", None, "9.5", True, None),
        ("shop", "quantity", None, "3", True, None),
    ] == [
        *[_facts(line) for line in lines[:2]],
        *sorted((_facts(line) for line in lines[2:]), key=lambda facts: facts[:2]),
    ]


def _facts(line: dict[str, Any]) -> tuple[Any, ...]:
    names = ("dealer_code", "field", "old", "new", "is_first", "run_id")
    return tuple(line[name] for name in names)


@pytest.mark.usefixtures("stored")
def test_a_history_that_is_cut_has_no_beginning(call: Call) -> None:
    """Where there are more changes than shown, nobody claims to know the first value."""
    called = call("brain", "history", "A-1", "--tenant", "t", "--limit", "1", "--json")
    assert ["listed"] == [line["field"] for line in json.loads(called.out)]


@pytest.mark.usefixtures("stored")
def test_several_suppliers(call: Call) -> None:
    """A SKU of several suppliers is told apart."""
    out = words(call("brain", "history", "A-1", "--tenant", "t").out)
    assert "When Supplier What Change Run" in out
    assert "other price first seen: 7.00 EUR" in out


@pytest.mark.usefixtures("stored")
def test_unknown(call: Call) -> None:
    """A SKU that is not stored is told."""
    called = call("brain", "history", "A", "--tenant", "t", "--supplier", "shop")
    assert (0, "", "No product 'A' of 'shop' is stored for 't'.\n") == called
    assert "[]\n" == call("brain", "history", "A", "--tenant", "t", "--json").out


@pytest.mark.usefixtures("stored")
def test_removed_products(call: Call) -> None:
    """Products that left their feed are listed where they are asked for, and marked."""
    names = ["brain", "products", "--tenant", "t", "--supplier", "shop"]
    assert ["A-10"] == [item["sku"] for item in json.loads(call(*names, "--json").out)]
    assert "removed" not in call(*names).out
    assert "12.00 EUR removed" in words(call(*names, "--removed").out)
