"""Readers: every row of a feed is yielded or explained."""

from pathlib import Path
from typing import Any

import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.feeds.formats.text import MAX_LINE
from contextworker.harvest.messages import Feed, FeedFormat


class Reading:
    """Reads content in one format."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "feed"

    def rows(
        self,
        content: bytes | str,
        feed_format: FeedFormat = FeedFormat.CSV,
        **options: Any,
    ) -> list[Row]:
        """Return every row of the content."""
        self.path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.read(feed_format, **options)

    def read(self, feed_format: FeedFormat, **options: Any) -> list[Row]:
        """Return every row of the file."""
        feed = Feed(
            source="shop.csv",
            format=feed_format,
            raw=ObjectRef(key="x/y", size=1),
            **({"encoding": "utf-8"} | options),
        )
        return [
            row
            for read in READERS[feed_format](self.path, feed)
            for row in (read.rows() if isinstance(read, Block) else (read,))
        ]


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    """Reads files of this test."""
    return Reading(tmp_path)


def bad(rows: list[Row]) -> list[tuple[int, str]]:
    """Return where the bad rows are and what is wrong with them."""
    return [(row.number, row.code) for row in rows if isinstance(row, BadRow)]


def good(rows: list[Row]) -> list[tuple[int, Any]]:
    """Return where the good rows are and their sku."""
    return [(row.number, row.values["sku"]) for row in rows if isinstance(row, RawRow)]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("sku,name\na,Tent\nb,Намет\n", {}),
        ("\ufeffsku,name\na,Tent\nb,Намет", {}),
        ("sku;name\r\na;Tent\r\nb;Намет\r\n", {"delimiter": ";"}),
        ("sku,name\ra,Tent\rb,Намет\r", {}),
        (" sku , name ,\na,Tent,\nb,Намет,,,\n", {}),
        ("sku,name\na,Tent\nb,Намет\n".encode("cp1251"), {"encoding": "cp1251"}),
        ("sku,name\na,Tent\nb,Намет\n".encode("utf-16"), {"encoding": "utf-16"}),
    ],
)
def test_csv_dialects(reading: Reading, content: bytes | str, options: dict[str, Any]) -> None:
    """Line ends, byte order marks, trailing delimiters and encodings do not change the rows."""
    expected = [
        RawRow(2, {"sku": "a", "name": "Tent"}),
        RawRow(3, {"sku": "b", "name": "Намет"}),
    ]
    assert expected == reading.rows(content, **options)


def test_tsv(reading: Reading) -> None:
    """A TSV feed is parted at tabs."""
    expected = [RawRow(2, {"sku": "a", "name": "x, y"})]
    assert expected == reading.rows("sku\tname\na\tx, y\n", FeedFormat.TSV)


def test_row_numbers_are_lines(reading: Reading) -> None:
    """A row is found in an editor by its number, whatever stands before it."""
    rows = reading.rows('sku,name\na,"two\nlines"\n\n,\nb,x\n')
    assert [(2, "a"), (6, "b")] == good(rows)


def test_ragged_and_cut_off_rows(reading: Reading) -> None:
    """A row with too many or too few columns costs itself only; a torn last one says so."""
    rows = reading.rows("sku,name\na,b,c\nd\ne,f\ng")
    assert [(2, "ragged_row"), (3, "ragged_row"), (5, "cut_off")] == bad(rows)
    assert [(4, "e")] == good(rows)


def test_stray_quotes(reading: Reading) -> None:
    """A quote in the wrong place costs its row and not those after it."""
    rows = reading.rows('sku,name\na,"5" pipe"\nb,5" pipe\nc,x\n')
    assert [(2, "bad_quotes")] == bad(rows)
    assert [(3, "b"), (4, "c")] == good(rows)


def test_quote_that_never_closes(reading: Reading) -> None:
    """A quote open at the end is reported where it opened."""
    rows = reading.rows('sku,name\na,x\nb,"open\nc,y\n')
    assert [(2, "a")] == good(rows)
    assert [(3, "cut_off")] == bad(rows)


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("", {}, "is empty"),
        ("\n\n", {}, "is empty"),
        (" , ,\na,b\n", {}, "a header without column names"),
        ("sku,name\n" + "x" * (MAX_LINE + 1), {}, "on line 2; it is no list of rows"),
        ('"sku,name\n', {}, "header of the feed shop.csv cannot be read"),
        (
            "sku,name\na,x\nb,Намет\n".encode("cp1251"),
            {},
            "is not utf-8 text: byte 16 on line 3 cannot be read; set the encoding of this source",
        ),
        ("sku,name\n".encode("utf-16")[:-1], {"encoding": "utf-16"}, "is not utf-16 text"),
    ],
)
def test_unusable_csv(
    reading: Reading, content: bytes | str, options: dict[str, Any], said: str
) -> None:
    """A feed that cannot be read at all says why in one sentence."""
    with pytest.raises(FeedError) as caught:
        reading.rows(content, **options)
    assert said in str(caught.value)


def test_bad_byte_far_into_a_feed(reading: Reading) -> None:
    """The position of a byte of another encoding is exact however far into the file it is."""
    lines = [f"{n},Намет".encode() for n in range(20_000)]
    lines[15_000] = b"15000,\xff"
    content = b"\n".join([b"sku,name", *lines])
    position = content.index(b"\xff") + 1
    with pytest.raises(FeedError, match=rf"byte {position} on line 15002 "):
        reading.rows(content)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_no_byte_order_mark(reading: Reading, encoding: str) -> None:
    """UTF-16 that does not say its byte order is explained, at the first attempt."""
    content = "sku,name\na,Tent\n".encode(f"{encoding}-le")
    with pytest.raises(FeedError, match=f'set encoding = "{encoding}-le"'):
        reading.rows(content, encoding=encoding)


def test_byte_order_mark_of_a_named_byte_order(reading: Reading) -> None:
    """A mark that the encoding does not ask for is no part of the first column's name."""
    content = "\ufeffsku,name\na,Tent\n".encode("utf-16-le")
    assert [(2, "a")] == good(reading.rows(content, encoding="utf-16-le"))


def test_delimiter_at_the_end_of_the_header(reading: Reading) -> None:
    """It names no column, so rows may have one at their end or not."""
    assert [(2, "a"), (3, "b")] == good(reading.rows("sku,name,\na,Tent\nb,Mat,\n"))
