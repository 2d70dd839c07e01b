"""Google Merchant feeds as RSS and Atom."""
# ruff: noqa: RUF001 -- names as suppliers write them, in Cyrillic too

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.formats.xml_feeds.google import read_google
from contextworker.harvest.messages import Feed, FeedFormat

FEEDS = Path(__file__).parent / "feeds"
RAW = ObjectRef(key="x/y", size=1)
# What XML 1.0 can hold at all.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=["Cc"])
    | st.sampled_from("\t\n\r<>&'\"]"),
    min_size=1,
)


def rows(path: Path, encoding: str = "utf-8") -> list[dict[str, Any]]:
    """Read a feed's products, without what they lack."""
    feed = Feed(source="shop.xml", format=FeedFormat.GOOGLE, encoding=encoding, raw=RAW)
    return [
        {name: value for name, value in row.values.items() if value is not None}
        for block in read_google(path, feed)
        for row in block.rows()
    ]


def read(folder: Path, text: str | bytes, encoding: str = "utf-8") -> list[dict[str, Any]]:
    """Read a text as a feed."""
    path = folder / "feed.xml"
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return rows(path, encoding)


def item(content: str, root: str = 'rss xmlns:g="http://base.google.com/ns/1.0"') -> str:
    """Write a feed of one item."""
    name = root.partition(" ")[0]
    return f"<{root}><channel><item>{content}</item></channel></{name}>"


def test_rss() -> None:
    """Columns are Google's attributes; repeated ones are joined, groups parted by colons."""
    tent, lamp = rows(FEEDS / "google.xml")
    assert tent == {
        "id": "NL-100",
        "title": "Fjell 2 tent",
        "description": "A <b>light</b> tent & a bag",
        "link": "https://shop.example/p/fjell-2?ref=feed&c=1",
        "image_link": "https://shop.example/i/fjell-2.jpg",
        "additional_image_link": (
            "https://shop.example/i/fjell-2-b.jpg, https://shop.example/i/fjell-2-c.jpg"
        ),
        "availability": "in_stock",
        "price": "249.00 EUR",
        "sale_price": "199.00 EUR",
        "brand": "Nordlys",
        "gtin": "4006381333931",
        "mpn": "FJ-2",
        "condition": "new",
        "product_type": "Camping > Tents",
        "shipping": "DE:Standard:4.90 EUR, AT:7.90 EUR",
    }
    assert lamp == {
        "id": "NL-200",
        "title": "Kveld lamp",
        "description": "<p>Bright, <i>small</i></p>",
        "link": "https://shop.example/p/kveld",
        "price": "15.00 EUR",
        "brand": "Nordlys",
    }


def test_atom() -> None:
    """Of an entry, Google's id counts, the link to the page, and the summary as description."""
    (tent,) = rows(FEEDS / "google_atom.xml")
    assert tent == {
        "id": "NL-100",
        "title": "Fjell 2 tent",
        "link": "https://shop.example/p/fjell-2",
        "description": "A light tent",
        "price": "249.00 EUR",
    }


@pytest.mark.parametrize(
    "root",
    [
        'rss version="2.0"',
        "rss",
        'rss xmlns:g="https://wrong.example/ns"',
        'rss xmlns="http://base.google.com/ns/1.0" xmlns:g="http://base.google.com/ns/1.0"',
    ],
    ids=["undeclared", "bare", "other", "default"],
)
def test_namespaces(tmp_path: Path, root: str) -> None:
    """A prefix that is not declared, or declared wrongly, is Google's all the same."""
    content = "<id>other</id><g:id>7</g:id><title>Tent</title><g:price>1 EUR</g:price>"
    expected = {"id": "7", "title": "Tent", "price": "1 EUR"}
    if "xmlns=" in root:
        expected["id"] = "other"  # both are Google's then, and the first counts
    assert [expected] == read(tmp_path, item(content, root))


def test_no_prefix(tmp_path: Path) -> None:
    """Without any prefix, names are taken as they are."""
    content = "<id>7</id><price>1 EUR</price><shipping><country>DE</country><p>2</p></shipping>"
    expected = {"id": "7", "price": "1 EUR", "shipping": "DE:2"}
    assert [expected] == read(tmp_path, item(content, "rss"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """Text is read in the encoding that was found out, whatever its declaration claims."""
    text = '<?xml version="1.0" encoding="utf-8"?>' + item("<g:id>7</g:id><title>Люлька</title>")
    assert [{"id": "7", "title": "Люлька"}] == read(tmp_path, text, encoding)


def test_wrong_declaration(tmp_path: Path) -> None:
    """What is called utf-16 but saved as UTF-8, as some servers do, is read."""
    text = '<?xml version="1.0" encoding="utf-16"?>' + item("<title>Люлька</title>")
    path = tmp_path / "feed.xml"
    path.write_text(text, encoding="utf-8")
    assert [{"title": "Люлька"}] == rows(path, "utf-16")


def test_wrong_encoding(tmp_path: Path) -> None:
    """Bytes that are not of the encoding fail the feed, and the sentence says where."""
    text = item("<title>\n\nЛюлька</title>").encode("cp1251")
    with pytest.raises(FeedError, match=r"line 3 .*not of the feed's encoding.*windows-1251"):
        read(tmp_path, text)
    with pytest.raises(FeedError, match=r"is not ascii text: bytes near line 1 cannot be read"):
        read(tmp_path, text, "ascii")


def test_entities(tmp_path: Path) -> None:
    """With a DOCTYPE that declares nothing, HTML's entities are read, and others refused."""
    doctype = '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/none.dtd">'
    assert [{"title": "a\u00a0b & c"}] == read(
        tmp_path, doctype + item("<title>a&nbsp;b &amp; c</title>")
    )
    with pytest.raises(FeedError, match=r"product 1 of the feed shop.xml refers to &shop;"):
        read(tmp_path, doctype + item("<title>a &shop; b</title>"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5))
def test_texts_come_out(tmp_path: Path, products: list[tuple[str, str]]) -> None:
    """Whatever text is in a feed comes out as it went in, escaped or as CDATA."""
    returns = {"\r": "&#13;"}
    items = "".join(
        f"<item><g:id>{escape(first, returns)}</g:id>"
        f"<title><![CDATA[{second.replace(']]>', ']]]]><![CDATA[>')}]]></title></item>"
        for first, second in products
    )
    expected = [
        # A line's end in a file is one character to XML.
        {"id": first, "title": second.replace("\r\n", "\n").replace("\r", "\n")}
        for first, second in products
    ]
    assert expected == read(tmp_path, f"<rss>{items}</rss>")


def test_blocks(tmp_path: Path) -> None:
    """Products are counted through all blocks, and what one lacks is empty."""
    items = "".join(
        f"<item><g:id>{n}</g:id>{'<g:mpn>m</g:mpn>' if n % 7 == 0 else ''}</item>"
        for n in range(1, 25_001)
    )
    path = tmp_path / "feed.xml"
    path.write_text(f"<rss>{items}</rss>", encoding="utf-8")
    feed = Feed(source="shop.xml", format=FeedFormat.GOOGLE, encoding="utf-8", raw=RAW)
    blocks = list(read_google(path, feed))
    found = [row for block in blocks for row in block.rows()]
    assert [10_000, 10_000, 5_000] == [block.frame.height for block in blocks]
    assert list(range(1, 25_001)) == [row.number for row in found]
    assert [{"id": str(n), "mpn": "m" if n % 7 == 0 else None} for n in range(1, 25_001)] == [
        row.values for row in found
    ]
