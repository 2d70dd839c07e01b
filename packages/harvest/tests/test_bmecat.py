"""BMEcat catalogues."""

import json
from pathlib import Path
from typing import Any

import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.feed import read_bmecat
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.price import Price, best_price
from contextworker.harvest.messages import Feed, FeedFormat

FEEDS = Path(__file__).parent / "feeds"
RAW = ObjectRef(key="x/y", size=1)


def blocks(path: Path, encoding: str = "utf-8") -> list[Block]:
    """Read a catalogue."""
    feed = Feed(source="shop.xml", format=FeedFormat.BMECAT, encoding=encoding, raw=RAW)
    return list(read_bmecat(path, feed))


def rows(found: list[Block]) -> list[dict[str, Any]]:
    """Return products, without what they lack."""
    return [
        {name: value for name, value in row.values.items() if value is not None}
        for block in found
        for row in block.rows()
    ]


def test_1_2() -> None:
    """A catalogue of version 1.2: today's list price for one piece, groups that come last."""
    (block,) = blocks(FEEDS / "bmecat_12.xml", "iso8859-1")
    tent, pegs = rows([block])
    assert not block.is_partial
    assert {"Gewicht": "2.4 kg", "Farbe": "grün, grau"} == json.loads(tent.pop("params"))
    assert tent == {
        "id": "10-200",
        "name": "Zelt Fjell, grün",
        "description": "Leichtes Zelt & Tasche",
        "ean": "4006381333931",
        "manufacturer": "Nordlys",
        "manufacturer_pid": "FJ-2",
        "delivery_time": "3",
        "unit": "PCE",
        "price": "200.00",
        "price_type": "net_list",
        "currency": "CHF",
        "image": "https://shop.example/media/fjell.jpg",
        "category": "Camping > Zelte",
    }
    assert pegs == {
        "id": "10-300",
        "name": "Heringe",
        "unit": "PCE",
        "price_quantity": "100",
        "price": "0.225",
        "price_type": "net_list",
        "currency": "EUR",
    }


def test_2005_update() -> None:
    """Of an update, absence means nothing; the default language counts, then any."""
    (block,) = blocks(FEEDS / "bmecat_2005_update.xml")
    tent, stove = rows([block])
    assert block.is_partial
    assert {"Farbe": "grün"} == json.loads(tent.pop("params"))
    assert tent == {
        "id": "10-200",
        "mode": "update",
        "name": "Zelt Fjell",
        "description": "Light",
        "ean": "4006381333931",
        "manufacturer": "Nordlys",
        "manufacturer_pid": "FJ-2",
        "price": "238",
        "price_type": "gros_list",
        "currency": "EUR",
    }
    assert {"id": "10-900", "mode": "delete", "name": "Kocher"} == stove
    assert block.withdrawn is not None
    assert [False, True] == block.withdrawn.to_list()


def test_prices_only(tmp_path: Path) -> None:
    """A price update is refused, and the sentence says what to ask for."""
    path = tmp_path / "feed.xml"
    path.write_text("<BMECAT><T_UPDATE_PRICES><ARTICLE/></T_UPDATE_PRICES></BMECAT>")
    with pytest.raises(FeedError, match=r"T_UPDATE_PRICES.*no names; ask .*T_NEW_CATALOG"):
        blocks(path)


def test_many_products_in_groups(tmp_path: Path) -> None:
    """Each of many products finds its own group, the first it is put in."""
    products = "".join(
        f"<ARTICLE><SUPPLIER_AID>{n}</SUPPLIER_AID></ARTICLE>" for n in range(12_000)
    )
    structure = "".join(
        f"<CATALOG_STRUCTURE><GROUP_ID>{n}</GROUP_ID><GROUP_NAME>G{n}</GROUP_NAME>"
        "<PARENT_ID>0</PARENT_ID></CATALOG_STRUCTURE>"
        for n in range(1, 8)
    )
    maps = "".join(
        f"<ARTICLE_TO_CATALOGGROUP_MAP><ART_ID>{n}</ART_ID>"
        f"<CATALOG_GROUP_ID>{group}</CATALOG_GROUP_ID></ARTICLE_TO_CATALOGGROUP_MAP>"
        for n in range(0, 12_000, 2)
        for group in (n % 7 + 1, 1)
    )
    path = tmp_path / "feed.xml"
    path.write_text(f"<BMECAT><T_NEW_CATALOG>{products}{structure}{maps}</T_NEW_CATALOG></BMECAT>")
    found = rows(blocks(path))
    assert [f"G{n % 7 + 1}" if n % 2 == 0 else None for n in range(12_000)] == [
        row.get("category") for row in found
    ]


@pytest.mark.parametrize(
    ("factor", "quantity", "expected"),
    [
        (None, None, "25.00"),
        ("1", "1", "25.00"),
        ("0.9", None, "22.5"),
        (None, "3", "8.333333"),
        ("0", None, "0"),
        (None, "0", "25.00"),
        ("cheap", "many", "25.00"),
        ("1e999999", None, "25.00"),
    ],
)
def test_price_of_one(factor: str | None, quantity: str | None, expected: str) -> None:
    """A price is that of one unit; what is no number changes nothing."""
    price = Price("net_list", "25.00", None, factor, None)
    assert expected == price.each(quantity)


def test_amount_that_is_no_number() -> None:
    """An amount that cannot be read is left to the mapping, which rejects the row by name."""
    assert "on request" == Price("nrp", "on request", None, "0.5", None).each("10")


def test_best_price() -> None:
    """The order of types counts before the quantity, and an empty amount not at all."""
    given = [
        Price("net_customer", "1", None, None, "1"),
        Price("nrp", "4", None, None, "1"),
        Price("net_list", "3", None, None, "100"),
        Price("net_list", "2", None, None, "10"),
        Price("net_list", " ", None, None, "1"),
    ]
    assert given[3] == best_price(given)
    assert best_price([]) is None
