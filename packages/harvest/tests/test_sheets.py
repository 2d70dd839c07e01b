"""Workbooks: the rows of a sheet, whichever program wrote it."""

import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import polars as pl
import pytest
import xlwt  # type: ignore[import-untyped]  # it ships no types

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.detect import detect
from contextworker.harvest.feeds.fetch import Fetched, Fetcher, FetchLimits
from contextworker.harvest.feeds.formats.workbooks.sheets import read_sheet
from contextworker.harvest.messages import Feed, FeedFormat
from contextworker.harvest.suppliers import Source

Table = list[list[Any]]
Writer = Callable[[Path, Table], None]

ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>
</office:document-content>"""
AT = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 - sheets know no time zones
MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"""
ENCRYPTED = MANIFEST.replace(
    "/>",
    '><manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/>'
    "</manifest:file-entry></manifest:manifest>",
)


def feed(sheet: str | None = None, kind: FeedFormat = FeedFormat.XLSX) -> Feed:
    """Describe a feed."""
    return Feed(
        source="stock.xlsx",
        format=kind,
        encoding="utf-8",
        sheet=sheet,
        raw=ObjectRef(key="x/y", size=1),
    )


def rows(path: Path, sheet: str | None = None) -> list[Row]:
    """Return every row of a workbook's sheet."""
    return [
        row
        for item in read_sheet(path, feed(sheet))
        for row in (item.rows() if isinstance(item, Block) else (item,))
    ]


def good(found: list[Row]) -> list[tuple[int, Any]]:
    """Return where the good rows are and their sku."""
    return [(row.number, row.values["sku"]) for row in found if isinstance(row, RawRow)]


def write_xlsx(path: Path, table: Table) -> None:
    """Write a workbook as Excel does."""
    book = openpyxl.Workbook()
    for row in table:
        book.active.append(row)
    book.save(path)
    book.close()


def write_xls(path: Path, table: Table) -> None:
    """Write a workbook as Excel did until 2003."""
    book = xlwt.Workbook()
    page = book.add_sheet("Stock")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for number, row in enumerate(table):
        for column, value in enumerate(row):
            if value is not None:
                page.write(number, column, value, *([day] if isinstance(value, date) else []))
    book.save(str(path))


def write_ods(path: Path, table: Table) -> None:
    """Write a document as LibreOffice does: with a million empty rows and columns at its ends."""
    lines = "".join(
        f"<table:table-row>{''.join(map(_ods_cell, row))}"
        '<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
        for row in table
    )
    end = (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    write_ods_tables(path, f'<table:table table:name="Stock">{lines}{end}</table:table>')


def write_ods_tables(path: Path, tables: str) -> None:
    """Write a document with these tables."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", ODS.format(tables=tables))


def _ods_cell(value: Any) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, bool):
        kind = f'boolean" office:boolean-value="{str(value).lower()}'
    elif isinstance(value, int | float):
        kind = f'float" office:value="{value}'
    elif isinstance(value, date):
        kind = f'date" office:date-value="{value.isoformat()}'
    else:
        kind = "string"
    return (
        f'<table:table-cell office:value-type="{kind}"><text:p>{value}</text:p></table:table-cell>'
    )


WRITERS = [
    pytest.param(write_xlsx, id="xlsx"),
    pytest.param(write_xls, id="xls"),
    pytest.param(write_ods, id="ods"),
]


@pytest.mark.parametrize("write", WRITERS)
def test_one_meaning_in_every_workbook(tmp_path: Path, write: Writer) -> None:
    """The same table has the same rows, numbered as the sheet shows them, in each format."""
    table: Table = [
        [],
        ["sku", "name", "price", "stock", "new", "since"],
        ["T-1", "Намет", 12.5, 7, True, date(2026, 1, 2)],
        [],
        ["T-2", None, 12, 0, False, date(2026, 11, 30)],
    ]
    write(tmp_path / "feed", table)
    names = ["sku", "name", "price", "stock", "new", "since"]
    found = rows(tmp_path / "feed")
    assert [3, 5] == [row.number for row in found]
    values = [list(row.values.values()) for row in found if isinstance(row, RawRow)]
    assert [names, names] == [list(row.values) for row in found if isinstance(row, RawRow)]
    assert ["T-1", "Намет", 12.5, 7, True, "2026-01-02"] == values[0]
    assert ["T-2", "", 12, 0, False, "2026-11-30"] == values[1]


def test_columns_have_types(tmp_path: Path) -> None:
    """Numbers come as numbers, whole ones as integers; a sheet is read as frames."""
    write_xlsx(
        tmp_path / "feed",
        [["sku", "price", "stock", "new", "none"], *([f"T-{n}", n / 4, n, True] for n in range(9))],
    )
    (block,) = read_sheet(tmp_path / "feed", feed())
    assert isinstance(block, Block)
    assert {
        "sku": pl.String,
        "price": pl.Float64,
        "stock": pl.Int64,
        "new": pl.Boolean,
        "none": pl.String,
    } == dict(block.frame.schema)
    assert list(range(2, 11)) == block.numbers.to_list()


def test_numbers_among_texts_are_texts_wherever_they_are(tmp_path: Path) -> None:
    """What a cell means does not depend on the block that it is read with."""
    table: Table = [["sku", "size"], *([n, n] for n in range(25_000)), ["A-1", "XL"]]
    write_xlsx(tmp_path / "feed", table)
    found = rows(tmp_path / "feed")
    assert isinstance(found[0], RawRow)
    assert {"sku": "0", "size": "0"} == found[0].values
    assert 25_001 == len(found)


def test_a_fraction_among_texts_stays_a_number(tmp_path: Path) -> None:
    """As a text, 1.234 would read two ways."""
    write_xlsx(tmp_path / "feed", [["sku", "price"], ["a", "on request"], ["b", 1.234], ["c", 5]])
    found = rows(tmp_path / "feed")
    assert ["on request", 1.234, "5"] == [
        row.values["price"] for row in found if isinstance(row, RawRow)
    ]


def test_cells_beside_the_table(tmp_path: Path) -> None:
    """A cell under no column name costs its row, and no other one."""
    write_xlsx(
        tmp_path / "feed", [["sku", "name"], ["a", "x", None, "?"], ["b", "y"], ["c", "z", "!"]]
    )
    found = rows(tmp_path / "feed")
    assert [(2, "ragged_row"), (4, "ragged_row")] == [
        (row.number, row.code) for row in found if isinstance(row, BadRow)
    ]
    assert [(3, "b")] == good(found)


def test_formulas_errors_times_and_merged_cells(tmp_path: Path) -> None:
    """A formula is its last result, an error is nothing, a time is ISO text, merged cells one."""
    with zipfile.ZipFile(tmp_path / "feed", "w") as archive:
        write_xlsx(tmp_path / "book", [["sku", "name", "at"], ["a", 1, AT]])
        with zipfile.ZipFile(tmp_path / "book") as original:
            for name in original.namelist():
                content = original.read(name)
                if name == "xl/worksheets/sheet1.xml":
                    content = content.replace(
                        b"</row></sheetData>",
                        b'</row><row r="3"><c r="A3" t="str"><f>"a"&amp;"b"</f><v>ab</v></c>'
                        b'<c r="B3" t="e"><v>#DIV/0!</v></c></row>'
                        b'<row r="4"><c r="A4" t="str"><v>m</v></c></row></sheetData>'
                        b'<mergeCells count="1"><mergeCell ref="A4:A5"/></mergeCells>',
                    )
                archive.writestr(name, content)
    assert [
        {"sku": "a", "name": 1, "at": "2026-01-02T03:04:00"},
        {"sku": "ab", "name": None, "at": ""},
        {"sku": "m", "name": None, "at": ""},
    ] == [row.values for row in rows(tmp_path / "feed") if isinstance(row, RawRow)]


def test_dates_that_count_from_1904(tmp_path: Path) -> None:
    """Workbooks of old Macintoshes count days from 1904; the dates are the same."""
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in (["sku", "since", "at"], ["a", date(2026, 1, 2), time(1, 2)]):
        book.active.append(row)
    book.save(tmp_path / "feed")
    assert [{"sku": "a", "since": "2026-01-02", "at": "01:02:00"}] == [
        row.values for row in rows(tmp_path / "feed") if isinstance(row, RawRow)
    ]


def test_first_sheet_that_is_seen(tmp_path: Path) -> None:
    """Without a name, the sheet is the one that a person sees first."""
    book = openpyxl.Workbook()
    book.active.append(["internal"])
    book.active.sheet_state = "hidden"
    page = book.create_sheet("Prices")
    for row in (["sku", "name"], ["a", "Tent"]):
        page.append(row)
    book.active = 1
    book.create_chartsheet(index=0)
    book.save(tmp_path / "feed")
    assert [(2, "a")] == good(rows(tmp_path / "feed"))


def test_unusable_workbooks(tmp_path: Path) -> None:
    """A missing sheet names the others; an empty one and a damaged workbook say so."""
    path = tmp_path / "feed"
    book = openpyxl.Workbook()
    book.create_sheet("Stock").append(["sku"])
    book.save(path)
    with pytest.raises(FeedError, match="no sheet 'Stok'; it has 'Sheet', 'Stock'"):
        rows(path, "Stok")
    with pytest.raises(FeedError, match=r"stock\.xlsx is empty"):
        rows(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FeedError, match="cannot be read"):
        rows(path)


def encrypted_xls(path: Path) -> None:
    """Write a workbook of which only the record is left that says that the others are encrypted."""
    write_xls(path, [["sku"], ["a"]])
    content = path.read_bytes()
    begin = content.index(b"\x09\x08\x10\x00\x00\x06\x05\x00")  # the stream's first record
    record = b"\x2f\x00\x36\x00\x01\x00\x01\x00\x01\x00" + bytes(range(48))
    path.write_bytes(content[: begin + 20] + record + content[begin + 20 + len(record) :])


def encrypted_ods(path: Path) -> None:
    """Write a document as it is when a password was set."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", ENCRYPTED)
        archive.writestr("content.xml", b"\x8f" * 100)


@pytest.mark.parametrize(
    "write", [pytest.param(encrypted_xls, id="xls"), pytest.param(encrypted_ods, id="ods")]
)
def test_password(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """A protected workbook is refused in words that say so."""
    write(tmp_path / "feed")
    with pytest.raises(FeedError, match="protected by a password; ask the supplier for one"):
        rows(tmp_path / "feed")


def test_entities_of_a_document_are_not_expanded(tmp_path: Path) -> None:
    """An XML bomb stays as small as it is written."""
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE d [<!ENTITY l0 "lol">{lol}]>'
    content = ODS.format(
        tables='<table:table table:name="A"><table:table-row>'
        '<table:table-cell office:value-type="string"><text:p>&l9;</text:p></table:table-cell>'
        "</table:table-row></table:table>"
    ).replace("?>", f"?>{bomb}", 1)
    with zipfile.ZipFile(tmp_path / "feed", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", content)
    with pytest.raises(FeedError, match="cannot be read"):
        rows(tmp_path / "feed")


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        pytest.param(write_xlsx, FeedFormat.XLSX, id="xlsx"),
        pytest.param(write_xls, FeedFormat.XLS, id="xls"),
        pytest.param(write_ods, FeedFormat.ODS, id="ods"),
    ],
)
async def test_served(tmp_path: Path, web: Any, write: Writer, kind: FeedFormat) -> None:
    """A workbook is fetched, recognised by what it is, and read."""
    write(tmp_path / "book", [["sku", "price"], ["a", 12.5]])
    url = web.answer("/export", (tmp_path / "book").read_bytes())
    source = Source(url=url, allow_hosts=("127.0.0.1",))
    (tmp_path / "got").mkdir()
    fetcher = Fetcher(FetchLimits(max_bytes=1_000_000), environment={})
    got = await fetcher.fetch(source, tmp_path / "got", None, lambda _done, _total: None)
    assert isinstance(got, Fetched)
    found = detect(got.path, name=got.name, content_type=got.content_type, source=source)
    assert kind == found.format
    assert [(2, "a")] == good(rows(got.path))
