"""Readers: every row of a feed is yielded or explained."""

import zipfile
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats import READERS, check_workbook
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


def test_jsonl(reading: Reading) -> None:
    """Objects keep their kinds, fractions exactly; a key may be left out."""
    rows = reading.rows(
        '\ufeff{"sku": 1, "name": "a", "price": 0.1}\n\n{"sku": "b", "price": 1e2}\n',
        FeedFormat.JSONL,
    )
    assert [(1, 1), (3, "b")] == good(rows)
    assert ["0.1", "1E+2"] == [str(row.values["price"]) for row in rows if isinstance(row, RawRow)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"sku": 1,}', "bad_json"),
        ("[1]", "bad_json"),
        ("7", "bad_json"),
        ('{"sku": NaN}', "bad_json"),
        ('{"sku": "\\ud800"}', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"sku": ' + "9" * 5000 + "}", "bad_json"),
        ('{"sku": 1e99999999999999999999}', "bad_json"),
        ('{"sku": "a", "name": ' + "[" * 500 + "]" * 500 + "}", "bad_json"),
        ('{"sku": "a", "name": ' + '{"a":' * 60 + "1" + "}" * 61, "bad_json"),
    ],
)
def test_bad_json_lines(reading: Reading, line: str, code: str) -> None:
    """A line that is no object, or that no store could hold, costs itself only."""
    rows = reading.rows(f'{line}\n{{"sku": "b", "name": "x"}}\n', FeedFormat.JSONL)
    assert [(1, code)] == bad(rows)
    assert [(2, "b")] == good(rows)


def test_torn_last_json_line(reading: Reading) -> None:
    """A feed that ends within a line says that it does."""
    rows = reading.rows('{"sku": "a", "name": "x"}\n{"sku": "b", "na', FeedFormat.JSONL)
    assert [(2, "cut_off")] == bad(rows)


def workbook(path: Path, *, sheet: str = "Stock") -> None:
    """Write a workbook with a blank row, a header below a blank row, and numbers."""
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    page = book.create_sheet(sheet)
    for row in ([], ["sku", "name", "price"], [1042, "Tent", 12.5], [], ["b", None, 7]):
        page.append(row)
    book.save(path)
    book.close()


def test_xlsx(reading: Reading) -> None:
    """A sheet's rows have the sheet's numbers, and whole numbers are whole."""
    workbook(reading.path)
    expected = [
        RawRow(3, {"sku": 1042, "name": "Tent", "price": 12.5}),
        RawRow(5, {"sku": "b", "name": "", "price": 7}),
    ]
    rows = reading.read(FeedFormat.XLSX, sheet="Stock")
    assert expected == rows
    assert isinstance(rows[0], RawRow)
    assert isinstance(rows[0].values["sku"], int)


def test_xlsx_problems(reading: Reading) -> None:
    """A missing sheet names the others; an empty one and a damaged workbook say so."""
    workbook(reading.path)
    with pytest.raises(FeedError, match="no sheet 'Stok'; it has 'Cover', 'Stock'"):
        reading.read(FeedFormat.XLSX, sheet="Stok")
    with pytest.raises(FeedError, match=r"shop.csv is empty"):
        reading.read(FeedFormat.XLSX)
    reading.path.write_bytes(reading.path.read_bytes()[:-100])
    with pytest.raises(FeedError, match="cannot be read"):
        reading.read(FeedFormat.XLSX)


def test_workbook_size(reading: Reading) -> None:
    """A workbook that would fill the memory is refused before it is opened."""
    workbook(reading.path)
    check_workbook(reading.path, source="shop.xlsx", max_bytes=1_000_000)
    with pytest.raises(FeedError, match=r"more than the 1,000 allowed; .* CSV"):
        check_workbook(reading.path, source="shop.xlsx", max_bytes=1000)
    reading.path.write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(FeedError, match="is damaged"):
        check_workbook(reading.path, source="shop.xlsx", max_bytes=1000)


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


def test_xlsx_reads_the_first_sheet_that_is_seen(reading: Reading) -> None:
    """Without a name, the first sheet is the one that a person sees first."""
    book = openpyxl.Workbook()
    book.active.append(["internal"])
    book.active.sheet_state = "hidden"
    page = book.create_sheet("Prices")
    for row in (["sku", "name"], ["a", "Tent"]):
        page.append(row)
    book.active = 1
    book.create_chartsheet(index=0)
    book.save(reading.path)
    assert [(2, "a")] == good(reading.read(FeedFormat.XLSX))


def test_workbook_with_a_stray_cell(reading: Reading) -> None:
    """One cell at the far end would cost gigabytes and the worker; an empty styled one does not."""
    book = openpyxl.Workbook()
    book.active.append(["sku", "name"])
    book.active["XFD1048576"].font = openpyxl.styles.Font(bold=True)
    book.save(reading.path)
    check_workbook(reading.path, source="shop.xlsx", max_bytes=1_000_000)
    book.active["XFD1048576"] = "x"
    book.save(reading.path)
    with pytest.raises(FeedError, match="as far out as row 1,048,576 and column 16,384"):
        check_workbook(reading.path, source="shop.xlsx", max_bytes=1_000_000)


def test_workbook_that_lies_about_its_size(reading: Reading) -> None:
    """An entry that holds more than it says is found out before it is unpacked into memory."""
    with zipfile.ZipFile(reading.path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 1_000_000)
    content = reading.path.read_bytes()
    reading.path.write_bytes(content.replace((1_000_000).to_bytes(4, "little"), b"\x10\0\0\0"))
    with pytest.raises(FeedError, match="is damaged"):
        check_workbook(reading.path, source="shop.xlsx", max_bytes=1000)
