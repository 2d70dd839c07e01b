"""Workbooks that would fill the memory are refused before they are opened."""

import zipfile
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]  # it ships no types
import pytest
import xlwt  # type: ignore[import-untyped]  # it ships no types

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.formats import check_workbook
from contextworker.harvest.feeds.formats.workbooks.biff import biff_extents

TOO_FAR = "too far to be read"
TOO_LONG = "repeats long texts in so many cells"
MANY = "1048576"


def check(path: Path, *, max_bytes: int = 10_000_000) -> None:
    """Look through a workbook."""
    check_workbook(path, source="stock.xlsx", max_bytes=max_bytes)


def xlsx(path: Path, sheet: str, shared: str = "") -> None:
    """Write a workbook's parts that matter here."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet>{sheet}</worksheet>")
        archive.writestr("xl/sharedStrings.xml", f"<?xml version='1.0'?><sst>{shared}</sst>")


def ods(path: Path, rows: str) -> None:
    """Write a document's part that matters here."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f'<d><table:table table:name="A">{rows}</table:table></d>')


def test_size(tmp_path: Path) -> None:
    """A workbook is refused that unpacks to too much, or that is torn."""
    path = tmp_path / "feed"
    book = openpyxl.Workbook()
    book.active.append(["sku", "name"])
    book.save(path)
    check(path)
    with pytest.raises(FeedError, match=r"more than the 1,000 allowed; .* CSV"):
        check(path, max_bytes=1000)
    path.write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(FeedError, match="is damaged"):
        check(path)
    path.write_bytes(b"\xd0\xcf\x11\xe0 torn")
    with pytest.raises(FeedError, match="is damaged"):
        check(path)


def test_lie_about_the_size(tmp_path: Path) -> None:
    """An entry that holds more than it says is found out before it is unpacked into memory."""
    path = tmp_path / "feed"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 1_000_000)
    content = path.read_bytes()
    path.write_bytes(content.replace((1_000_000).to_bytes(4, "little"), b"\x10\0\0\0"))
    with pytest.raises(FeedError, match="is damaged"):
        check(path, max_bytes=1000)


def test_stray_cell(tmp_path: Path) -> None:
    """One cell at the far end would cost gigabytes and the worker; an empty styled one does not."""
    book = openpyxl.Workbook()
    book.active.append(["sku", "name"])
    book.active["XFD1048576"].font = openpyxl.styles.Font(bold=True)
    book.save(tmp_path / "feed")
    check(tmp_path / "feed")
    book.active["XFD1048576"] = "x"
    book.save(tmp_path / "feed")
    with pytest.raises(FeedError, match="as far out as row 1,048,576 and column 16,384"):
        check(tmp_path / "feed")


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param('<row r="1"><c r="XFD1048576"><v>1</v></c></row>', id="as-excel"),
        pytest.param("<row r='1'><c s='1' r = 'xfd1048576'><v>1</v></c></row>", id="otherwise"),
        pytest.param('<x:row r="1"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>', id="prefixed"),
        pytest.param('<row r="1"><c s=">" r="XFD1048576"><v>1</v></c></row>', id="hidden"),
        pytest.param(
            f'<row r="{MANY}">{"<c><v>1</v></c>" * 16_384}</row>', id="places-not-written"
        ),
        pytest.param(
            f'<row r="1"><c{" " * 2_000_000} r="XFD1048576"><v>1</v></c></row>', id="long-tag"
        ),
    ],
)
def test_far_cell_however_it_is_written(tmp_path: Path, cells: str) -> None:
    """No way of writing a cell's place hides it."""
    xlsx(tmp_path / "feed", f"<sheetData>{cells}</sheetData>")
    with pytest.raises(FeedError, match=TOO_FAR):
        check(tmp_path / "feed")


def test_shared_text_that_a_million_cells_show(tmp_path: Path) -> None:
    """A long text is stored once, and held as often as cells show it."""
    text = f"<si><t>{'x' * 30_000}</t></si>"
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 20_001))
    xlsx(tmp_path / "feed", cells, text)
    with pytest.raises(FeedError, match=TOO_LONG):
        check(tmp_path / "feed")
    xlsx(tmp_path / "feed", cells, f"<si><t>x</t></si>{text}")
    check(tmp_path / "feed")
    hidden = cells.replace("<v>0", "<f/><v>0")
    xlsx(tmp_path / "feed", hidden, f"<si><t>x</t></si>{text}")
    with pytest.raises(FeedError, match=TOO_LONG):
        check(tmp_path / "feed")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(
            '<table:table-row table:number-rows-repeated="1048576">'
            '<table:table-cell office:value-type="float" office:value="1"'
            ' table:number-columns-repeated="16384"/></table:table-row>',
            TOO_FAR,
            id="full",
        ),
        pytest.param(
            "<table:table-row table:number-rows-repeated='999999999'><table:table-cell/>"
            '</table:table-row><table:table-row><table:table-cell office:value="1"/>'
            "</table:table-row>",
            TOO_FAR,
            id="a-row-after-a-billion-empty-ones",
        ),
        pytest.param(
            '<table:table-row><table:table-cell table:number-columns-repeated="99999999"/>'
            '<table:table-cell office:value="1"/></table:table-row>',
            TOO_FAR,
            id="a-cell-after-many-empty-ones",
        ),
        pytest.param(
            '<table:table-row table:number-rows-repeated="&#57;99999999">'
            '<table:table-cell office:value="1"/></table:table-row>',
            TOO_FAR,
            id="a-number-in-disguise",
        ),
        pytest.param(
            '<table:table-row table:number-rows-repeated="100000">'
            f'<table:table-cell office:value-type="string"><text:p>{"x" * 10_000}</text:p>'
            "</table:table-cell></table:table-row>",
            TOO_LONG,
            id="a-long-text",
        ),
        pytest.param(
            '<table:table-row><table:table-cell office:value-type="string"><text:p>'
            '<text:s text:c="4000000000"/></text:p></table:table-cell></table:table-row>',
            TOO_LONG,
            id="a-gap",
        ),
    ],
)
def test_repeated_cells(tmp_path: Path, rows: str, said: str) -> None:
    """A document says in a few bytes that a cell is repeated a billion times."""
    ods(tmp_path / "feed", rows)
    with pytest.raises(FeedError, match=said):
        check(tmp_path / "feed")


def test_empty_cells_at_the_end(tmp_path: Path) -> None:
    """Every document repeats empty cells to the ends of its sheets."""
    ods(
        tmp_path / "feed",
        '<table:table-row><table:table-cell office:value="1"/>'
        '<table:table-cell table:number-columns-repeated="16383"/></table:table-row>'
        '<table:table-row table:number-rows-repeated="1048575">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>',
    )
    check(tmp_path / "feed")


def test_old_workbook_with_many_stray_cells(tmp_path: Path) -> None:
    """All sheets of an XLS workbook are held at once, so their cells count together."""
    book = xlwt.Workbook()
    for number in range(2):
        page = book.add_sheet(f"Sheet {number}")
        page.write(0, 0, "sku")
        page.write(65_535, 255, 1.5)
    book.save(str(tmp_path / "feed"))
    with pytest.raises(FeedError, match=TOO_FAR):
        check(tmp_path / "feed")


def test_old_workbook_that_repeats_a_text(tmp_path: Path) -> None:
    """A text of an XLS workbook is stored once, too; others before it may take several records."""
    book = xlwt.Workbook()
    page = book.add_sheet("Stock")
    for number in range(500):
        page.write(number, 0, f"{number} Намет {'x' * (number * 7 % 300)}")
    for number in range(20_000):
        page.write(number, 1, "y" * 30_000)
    book.save(str(tmp_path / "feed"))
    with pytest.raises(FeedError, match=TOO_LONG):
        check(tmp_path / "feed")


def test_texts_of_an_old_workbook_are_measured(tmp_path: Path) -> None:
    """Texts that go on in the next record, narrow and wide ones, have the lengths they have."""
    texts = [("Намет" if number % 3 else "Tent") * (number % 700) for number in range(1, 900)]
    book = xlwt.Workbook()
    page = book.add_sheet("Stock")
    for number, text in enumerate(texts):
        page.write(number, 0, text)
    book.save(str(tmp_path / "feed"))
    with (tmp_path / "feed").open("rb") as file:
        extents = list(biff_extents(file))
    used = [extent for extent in extents if extent.rows]
    assert [(len(texts), 1, sum(map(len, texts)))] == [
        (extent.rows, extent.columns, extent.text) for extent in used
    ]


def test_binary_workbook(tmp_path: Path) -> None:
    """What cannot be looked through is not read."""
    with zipfile.ZipFile(tmp_path / "feed", "w") as archive:
        archive.writestr("xl/workbook.bin", b"")
    with pytest.raises(FeedError, match=r"is a binary one \(\.xlsb\)"):
        check(tmp_path / "feed")
