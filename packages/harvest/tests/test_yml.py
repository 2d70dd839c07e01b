"""YML feeds."""
# ruff: noqa: RUF001 -- names as suppliers write them, in Cyrillic too

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.formats.xml_feeds.yml import read_yml
from contextworker.harvest.messages import Feed, FeedFormat

FEEDS = Path(__file__).parent / "feeds"
RAW = ObjectRef(key="x/y", size=1)
OFFERS = '<offers><offer id="1"><name>A</name><categoryId>2</categoryId></offer></offers>'
CURRENCIES = '<currencies><currency id="UAH" rate="1"/></currencies>'
CATEGORIES = (
    '<categories><category id="1">Tents</category>'
    '<category id="2" parentId="1">Large</category></categories>'
)
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=["Cc"]),
    min_size=1,
)


def rows(path: Path, encoding: str = "utf-8") -> list[dict[str, Any]]:
    """Read a feed's offers, without what they lack."""
    feed = Feed(source="shop.xml", format=FeedFormat.YML, encoding=encoding, raw=RAW)
    return [
        {name: value for name, value in row.values.items() if value is not None}
        for block in read_yml(path, feed)
        for row in block.rows()
    ]


def read(folder: Path, shop: str) -> list[dict[str, Any]]:
    """Read a shop's content as a feed."""
    path = folder / "feed.xml"
    path.write_text(f"<yml_catalog><shop>{shop}</shop></yml_catalog>", encoding="utf-8")
    return rows(path)


def test_offers() -> None:
    """Every kind of offer gets a name, its category's path, ISO currency and the feed's rates."""
    tent, lamp, book, other = rows(FEEDS / "yml.xml", "windows-1251")
    rates = '{"RUB":"1","USD":"90.5"}'
    params = {"Вес": "4.2 кг", "Цвет": "зелёный, серый"}
    assert params == json.loads(tent.pop("params"))
    assert tent == {
        "id": "A-1",
        "type": "vendor.model",
        "bid": "5",
        "available": "true",
        "name": "Палатка Nordlys Fjell 4",
        "url": "https://shop.example/p/1?a=1&b=2",
        "price": "12990.50",
        "oldprice": "14990",
        "currency": "RUB",
        "currencies": rates,
        "category": "Туризм > Палатки > Семейные палатки",
        "category_id": "11",
        "picture": "https://shop.example/i/1.jpg",
        "more_pictures": "https://shop.example/i/1-b.jpg, https://shop.example/i/1-c.jpg",
        "typePrefix": "Палатка",
        "vendor": "Nordlys",
        "vendor_code": "FJ-4",
        "model": "Fjell 4",
        "description": "<p>На четверых</p>",
        "barcode": "4006381333931",
        "quantity": "7",
    }
    assert ("Фонарь Kveld", "USD", "false", "0", "Свет > Фонари") == (
        lamp["name"],
        lamp["currency"],
        lamp["available"],
        lamp["quantity"],
        lamp["category"],
    )
    assert ("А. Лесной: Тропы", "true", "Книги") == (
        book["name"],
        book["available"],
        book["category"],
    )
    assert {
        "id": "A-4",
        "name": "Без категории",
        "price": "1",
        "category_id": "404",
        "currencies": rates,
    } == other


@pytest.mark.parametrize(
    "shop",
    [
        CURRENCIES + CATEGORIES + OFFERS,
        OFFERS + CURRENCIES + CATEGORIES,
        CATEGORIES + OFFERS + CURRENCIES,
        CURRENCIES + OFFERS + CATEGORIES,
    ],
    ids=["before", "after", "currencies-after", "categories-after"],
)
def test_order(tmp_path: Path, shop: str) -> None:
    """Categories and rates are known to every offer, wherever in the feed they stand."""
    offers = read(tmp_path, shop.replace(OFFERS, OFFERS * 10_001))  # more than one block
    assert {("Tents > Large", '{"UAH":"1"}')} == {
        (offer["category"], offer["currencies"]) for offer in offers
    }


def test_rates(tmp_path: Path) -> None:
    """Only rates that are numbers are told; a bank's name, zero or rubbish is none."""
    given = {"UAH": "1", "USD": "41,5", "EUR": "NBU", "PLN": "0", "GBP": "-1", "CHF": "NaN"}
    currencies = "".join(f'<currency id="{code}" rate="{rate}"/>' for code, rate in given.items())
    (offer,) = read(tmp_path, f"<currencies>{currencies}</currencies>{OFFERS}")
    assert {"UAH": "1", "USD": "41.5"} == json.loads(offer["currencies"])


def test_category_tree(tmp_path: Path) -> None:
    """Cycles end, the first of two categories with one id counts, and names are trimmed."""
    categories = (
        '<category id="1" parentId="3">A</category><category id="2" parentId="1">B</category>'
        '<category id="3" parentId="2">\n C  c </category><category id="3">other</category>'
        '<category id="4" parentId="4">self</category><category>no id</category>'
    )
    offers = "".join(f'<offer id="{n}"><categoryId> {n} </categoryId></offer>' for n in range(1, 5))
    found = read(tmp_path, f"<categories>{categories}</categories><offers>{offers}</offers>")
    assert ["B > C c > A", "C c > A > B", "A > B > C c", "self"] == [
        offer["category"] for offer in found
    ]


def test_offer_says_its_category(tmp_path: Path) -> None:
    """An offer's own category text counts where its id leads nowhere."""
    offers = '<offer id="1"><categoryId>9</categoryId><category>Lamps</category></offer>'
    (offer,) = read(tmp_path, f"{CATEGORIES}<offers>{offers}</offers>")
    assert "Lamps" == offer["category"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<name>A</name><vendor>V</vendor><model>M</model>", "A"),
        ("<vendor>V</vendor><model>M</model>", "V M"),
        ("<model>M</model>", "M"),
        ("<artist>X</artist><title>Y</title>", "X: Y"),
        ("<vendor>V</vendor>", None),
    ],
    ids=["name", "vendor-model", "model", "title", "none"],
)
def test_names(tmp_path: Path, content: str, expected: str | None) -> None:
    """An offer without a name is named by its parts, where it has the one that tells."""
    (offer,) = read(tmp_path, f'<offers><offer id="1">{content}</offer></offers>')
    assert expected == offer.get("name")


def test_too_many_categories(tmp_path: Path) -> None:
    """A tree of categories that would fill the memory is refused."""
    categories = "".join(f'<category id="{n}">x</category>' for n in range(200_001))
    with pytest.raises(FeedError, match=r"shop.xml has more than 200,000 categories"):
        read(tmp_path, f"<categories>{categories}</categories>{OFFERS}")


def test_another_document(tmp_path: Path) -> None:
    """A feed of another kind is refused by the name of what it is."""
    path = tmp_path / "feed.xml"
    path.write_text("<rss><channel/></rss>", encoding="utf-8")
    with pytest.raises(FeedError, match=r'begins with <rss>; set format = "google"'):
        rows(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(WORDS, WORDS, min_size=1, max_size=5), WORDS)
def test_texts_come_out(tmp_path: Path, params: dict[str, str], name: str) -> None:
    """Whatever names and values an offer's params have come out as they went in."""
    content = "".join(
        f"<param name={quoteattr(key)}>{escape(value)}</param>" for key, value in params.items()
    )
    (offer,) = read(
        tmp_path, f"<offers><offer><name>{escape(name)}</name>{content}</offer></offers>"
    )
    assert (name, params) == (offer["name"], json.loads(offer["params"]))
