"""CSV and TSV: the fast reader equals the csv module's reading, row by row, whatever the bytes."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats.delimited import read_delimited
from contextworker.harvest.feeds.formats.header import Header
from contextworker.harvest.messages import Feed, FeedFormat

HEADER = "sku,name,price\n"
CELLS = ["", "a", "5", "Tent, green", 'a "quoted" word', "two\nlines", "two\r\nlines", "é", "Намет"]
CELLS += ["\0", " ", '"', ",", "\n", "\ufeff", "\u2028", "\x85", "#", "null", "x" * 70]
LINE_ENDS = ["\n", "\r\n"]
SPOILERS = ['"', '""', ",", "\n", "\r", "\r\n", "\n\n", ' "', '" ', '5" pipe', '"x"y', "\0", ",,,"]


def feed(
    encoding: str = "utf-8", delimiter: str | None = None, kind: FeedFormat = FeedFormat.CSV
) -> Feed:
    """Describe a feed."""
    return Feed(
        source="shop.csv",
        format=kind,
        encoding=encoding,
        delimiter=delimiter,
        raw=ObjectRef(key="x/y", size=1),
    )


def specified(text: str) -> Iterator[Row]:
    """Read a feed as the csv module does: what every other way has to equal."""
    lines = io.StringIO(text.removeprefix("\ufeff").removeprefix("\ufeff"), newline="").readlines()
    last = ""

    def remembered() -> Iterator[str]:
        nonlocal last
        for last in lines:
            yield last

    reader = csv.reader(remembered(), strict=True)
    header = Header(next(row for row in reader if row), source="shop.csv")
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            is_cut = "end of data" in str(error)
            yield BadRow(number, "cut_off" if is_cut else "bad_quotes", "", {"line": last})
            continue
        if row := header.row(number, cells, cut_off=not last.endswith(("\n", "\r"))):
            yield row


def rows(read: Iterator[Block | Row]) -> list[Row]:
    """Return all rows one by one."""
    return [row for part in read for row in (part.rows() if isinstance(part, Block) else [part])]


def plain(row: Row) -> tuple[Any, ...]:
    """Return all of a row that a store sees, without the sentence about broken quotes."""
    if isinstance(row, RawRow):
        return row.number, row.values
    return row.number, row.code, row.raw, row.reason if row.code == "ragged_row" else ""


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Write a table properly, then perhaps spoil it in a few places."""
    buffer = io.StringIO()
    end = draw(st.sampled_from(LINE_ENDS))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(buffer, lineterminator=end, quoting=quoting)
    cells = st.lists(st.sampled_from(CELLS), min_size=3, max_size=3)
    writer.writerows(draw(st.lists(cells, max_size=12)))
    text = buffer.getvalue()
    for spoiler in draw(st.lists(st.sampled_from(SPOILERS), max_size=3)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + spoiler + text[at:]
    return draw(st.sampled_from(["", "\ufeff", "\n"])) + HEADER + text


def soup() -> st.SearchStrategy[str]:
    """Anything at all below a header."""
    return st.lists(st.sampled_from([*CELLS, *SPOILERS]), max_size=40).map(
        lambda parts: HEADER + "".join(parts)
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=tables() | soup(), least=st.sampled_from([1, 8, 40]), most=st.sampled_from([50, 10**6]))
@example(text=HEADER + "a,b,c\n\na,b\n", least=8, most=10**6)
@example(text=HEADER + '"a""",b,c\n"""",b,c\n"a"",b,c\n', least=8, most=10**6)
@example(text=HEADER + "a,b,c,\nd,e,f,\n", least=8, most=10**6)
@example(text=HEADER + "a,b,c,d\ne,f\n", least=8, most=10**6)
@example(text=HEADER + 'a,"\rb",c\n', least=1, most=10**6)
@example(text=HEADER + "\ufeffa,b,c\n", least=8, most=10**6)
def test_equals_the_specification(
    tmp_path: Path, encoding: str, text: str, least: int, most: int
) -> None:
    """The same rows, numbers and rejects as the csv module makes, at any size of pieces."""
    path = tmp_path / "feed"
    path.write_bytes(text.encode(encoding))
    expected = [plain(row) for row in specified(text)]
    found = rows(read_delimited(path, feed(encoding), least=least, most=most))
    assert expected == [plain(row) for row in found]
