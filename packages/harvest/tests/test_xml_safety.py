"""Hostile and broken XML: refused in a sentence, or harmless, within flat memory."""

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError, FeedTruncatedError
from contextworker.harvest.feeds.formats.xml_feeds.google import read_google
from contextworker.harvest.messages import Feed, FeedFormat

MIB = 1024 * 1024
FEED = Feed(
    source="shop.xml",
    format=FeedFormat.GOOGLE,
    encoding="utf-8",
    raw=ObjectRef(key="x/y", size=1),
)


def read(folder: Path, text: str) -> list[dict[str, Any]]:
    """Read a text as a feed."""
    path = folder / "feed.xml"
    path.write_text(text, encoding="utf-8")
    return [row.values for block in read_google(path, FEED) for row in block.rows()]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "subset",
    [
        f'<!ENTITY l0 "lol">{LAUGHS}',
        f'<!ENTITY q "{"x" * 100_000}">',
        '<!ENTITY x SYSTEM "file:///etc/passwd">',
        '<!ENTITY % p SYSTEM "http://127.0.0.1:9/evil.dtd"> %p;',
    ],
    ids=["billion-laughs", "quadratic", "external", "parameter"],
)
def test_entities_are_refused(tmp_path: Path, subset: str) -> None:
    """A feed that declares entities is refused before any is used."""
    with pytest.raises(FeedError, match=r"shop.xml declares entities of its own in its DOCTYPE"):
        read(tmp_path, f"<!DOCTYPE rss [{subset}]><rss><item><id>&l9;&q;&x;</id></item></rss>")


def test_nothing_is_fetched(tmp_path: Path, web: Any) -> None:
    """Neither a DTD nor an XInclude nor a schema nor a style sheet is asked for."""
    (row,) = read(
        tmp_path,
        f'<?xml-stylesheet href="{web.url("/style.xsl")}"?>'
        f'<!DOCTYPE rss PUBLIC "-//x" "{web.url("/shops.dtd")}">'
        f'<rss xmlns:xi="http://www.w3.org/2001/XInclude" '
        f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        f'i:noNamespaceSchemaLocation="{web.url("/x.xsd")}"><item><id>7</id>'
        f'<xi:include href="{web.url("/include.xml")}"/>'
        '<xi:include href="file:///etc/passwd" parse="text"/></item></rss>',
    )
    assert ({"id": "7", "include": None}, []) == (row, web.requests)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("<rss>\n<item><id>1</id></item>\n", "line 3"),
        ("<rss><item><id>1</id></item>\n<item><id>2</", "line 2"),
        ("<rss><item><id>1</id></item>\n\n<item><title>Te", "line 3"),
        ("<rss><item><id>1</id></item><item><title><![CDATA[Te", "line 1"),
        ("<rss><item><id>1</id></item><!-- x", "line 1"),
        ("<rss><item><id>1</id></item></rs", "line 1"),
        ("<rss><item><id a='", "line 1"),
    ],
    ids=["no-tail", "in-tag", "in-text", "in-cdata", "in-comment", "in-tail", "in-attribute"],
)
def test_cut_off(tmp_path: Path, text: str, where: str) -> None:
    """A feed without its tail is cut off, and the sentence says where."""
    with pytest.raises(FeedTruncatedError, match=f"is cut off: it ends on {where} without </rss>"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<rss>\n<item><t>AT&T</t></item></rss>", r"line 2 is not well-formed XML \(EntityRef"),
        ("<rss><item><t>a\x0bb</t></item></rss>", r"no such control character"),
        ("<rss><item><t>a &nbsp; b</t></item></rss>", r"Entity 'nbsp' not defined.*knows only"),
        ("<rss><item></rss>", r"line 1 is not well-formed XML"),
        ("<rss></rss><rss></rss>", r"line 1 is not well-formed XML"),
        ("<rss><item><c:id>7</c:id></item></rss>", r"has to be declared with xmlns"),
        ("<html><body>Please log in</body></html>", r"begins with <html>; it is a web page"),
        ("sku;name\n1;Tent\n", r"is no XML document|not well-formed"),
        ("<rss", r"is no XML document|not well-formed"),
    ],
    ids=["amp", "control", "nbsp", "unclosed", "two-roots", "prefix", "html", "csv", "torn"],
)
def test_broken(tmp_path: Path, text: str, problem: str) -> None:
    """What is no well-formed feed fails with a sentence."""
    with pytest.raises(FeedError, match=problem):
        read(tmp_path, text)


def test_space_before_the_declaration(tmp_path: Path) -> None:
    """Blank lines before the XML declaration, as scripts leave them, are let pass."""
    text = '\n\n <?xml version="1.0"?><rss><item><id>7</id></item></rss>'
    assert [{"id": "7"}] == read(tmp_path, text)


def test_comments_inside_a_text(tmp_path: Path) -> None:
    """Comments and processing instructions inside a text do not part it."""
    text = "<rss><item><id>a<!-- x -->b<?php echo ?>c</id></item></rss>"
    assert [{"id": "abc"}] == read(tmp_path, text)


def test_record_in_a_record(tmp_path: Path) -> None:
    """An item inside an item is part of that one, not a product."""
    rows = read(tmp_path, "<rss><item><id>1</id><item><id>2</id></item></item></rss>")
    assert [{"id": "1", "item": "<id>2</id>"}] == rows


def _endless(start: str, again: str) -> Callable[[], Iterator[str]]:
    def parts() -> Iterator[str]:
        yield start
        chunk = again * (64 * 1024 // len(again) + 1)
        for _ in range(500):
            yield chunk

    return parts


def _names(start: str, form: str) -> Callable[[], Iterator[str]]:
    def parts() -> Iterator[str]:
        yield start
        for block in range(100):
            yield "".join(form.format(n) for n in range(block * 5000, block * 5000 + 5000))

    return parts


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (_endless("<rss>", "<a>"), "Excessive depth"),
        (_endless("<rss>", "lorem "), "Text node too long|more than 8 MiB"),
        (_endless("<rss><item><id>", "lorem "), "more than 4 MiB"),
        (_endless("<rss><item><id><![CDATA[", "lorem "), "more than 4 MiB"),
        (_endless("<rss><item>", "<id/>"), "more than 4 MiB"),
        (_endless("<rss><!--", "lorem "), "more than 8 MiB"),
        (_endless("<rss><?x ", "lorem "), "more than 8 MiB"),
        (_endless("<rss><item a='", "lorem"), "more than 8 MiB"),
        (_endless("<rss><", "lorem"), "not well-formed|more than 8 MiB|beyond"),
        (_endless("<!--", "lorem"), "does not begin within 1 MiB"),
        (_endless("<!DOCTYPE rss [", "<!ELEMENT a (b)>"), "does not begin within 1 MiB"),
        (_names("<rss>", "<a{}/>"), "more than 5,000 different names"),
        (_names("<rss>", "<a b{}='x'/>"), "more than 5,000 different names"),
        (_names("<rss><item ", "a{}='x' "), "different names|4 MiB|8 MiB|cut off"),
    ],
    ids=[
        "depth",
        "text",
        "item-text",
        "item-cdata",
        "item-elements",
        "comment",
        "instruction",
        "attribute",
        "name",
        "prologue-comment",
        "prologue-dtd",
        "names",
        "attribute-names",
        "attributes",
    ],
)
def test_endless(tmp_path: Path, parts: Callable[[], Iterator[str]], problem: str) -> None:
    """Whatever goes on and on is refused after a few MiB."""
    path = tmp_path / "feed.xml"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(parts())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FeedError, match=problem):
        list(read_google(path, FEED))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 200 * MIB


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<a/>" * 10_001, "has more than 10,000 elements"),
        ("".join(f"<a{n}/>" for n in range(1001)), "brings the 1,001th name of a field"),
    ],
    ids=["elements", "fields"],
)
def test_large_product(tmp_path: Path, content: str, problem: str) -> None:
    """A product that is none is refused by its number."""
    items = f"<item><id>1</id></item><item>{content}</item>"
    with pytest.raises(FeedError, match=f"product 2 of the feed shop.xml {problem}"):
        read(tmp_path, f"<rss>{items}</rss>")


_MEASURE = """
import resource, sys
from pathlib import Path
from contextworker.core.messages import ObjectRef
from contextworker.harvest.feeds.formats.xml_feeds.google import read_google
from contextworker.harvest.messages import Feed, FeedFormat
raw = ObjectRef(key="x/y", size=1)
feed = Feed(source="x", format=FeedFormat.GOOGLE, encoding="utf-8", raw=raw)
rows = sum(block.frame.height for block in read_google(Path(sys.argv[1]), feed))
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _peak(path: Path, items: int) -> tuple[int, int]:
    """Write a feed of that many items; return rows and KiB of the process that reads it."""
    one = "<item><id>{}</id><title>Tent</title><description>" + "lorem " * 100
    with path.open("w", encoding="utf-8") as file:
        file.write("<rss><channel>")
        file.writelines(one.format(n) + "</description></item>\n" for n in range(items))
        file.write("</channel></rss>")
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path)], check=True, capture_output=True, text=True
    )
    rows, peak = done.stdout.split()
    return int(rows), int(peak)


@pytest.mark.parametrize(
    "small",
    [20_000, pytest.param(100_000, marks=pytest.mark.slow)],
)
def test_memory_is_flat(tmp_path: Path, small: int) -> None:
    """Five times the feed takes no more than a little more memory."""
    rows, peak = _peak(tmp_path / "feed.xml", small)
    more_rows, more_peak = _peak(tmp_path / "feed.xml", small * 5)
    assert (small, small * 5) == (rows, more_rows)
    assert more_peak < peak * 1.3
