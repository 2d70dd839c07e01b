"""CSV and TSV: the fast reader equals the csv module's reading, row by row, whatever the bytes."""

import csv
import io
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats.header import Header
from contextworker.harvest.feeds.formats.tables.delimited import read_delimited
from contextworker.harvest.messages import Feed, FeedFormat

HEADER = "sku,name,price\n"
CELLS = ["", "a", "5", "Tent, green", 'a "quoted" word', "two\nlines", "two\r\nlines", "é", "Намет"]
CELLS += ["\0", " ", '"', ",", "\n", "\ufeff", "\u2028", "\x85", "#", "null", "x" * 70]
LINE_ENDS = ["\n", "\r\n"]
QUOTING: list[Literal[0, 1]] = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]
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
        for line in lines:
            last = line
            yield line

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
    quoting = draw(st.sampled_from(QUOTING))
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


def tabular(rows_: int, *, quoted: bool = False) -> str:
    """Write many good rows."""
    quote = '"' if quoted else ""
    lines = (f"{quote}{n}{quote},{quote}Намет {n}{quote},{n % 90}.50\n" for n in range(rows_))
    return HEADER + "".join(lines)


@pytest.mark.parametrize("quoted", [False, True], ids=["bare", "quoted"])
@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251", "utf-16"])
def test_good_rows_come_as_frames(tmp_path: Path, encoding: str, *, quoted: bool) -> None:
    """What is plain is never read row by row, in any encoding."""
    path = tmp_path / "feed"
    path.write_bytes(tabular(3000, quoted=quoted).encode(encoding))
    (block,) = read_delimited(path, feed(encoding))
    assert isinstance(block, Block)
    assert (3000, 2, 3001) == (block.frame.height, block.numbers[0], block.numbers[-1])
    assert ("7", "Намет 7", "7.50") == block.frame.row(7)


def test_bad_rows_cost_their_neighbourhood_only(tmp_path: Path) -> None:
    """Around a row that is not plain the others still come as frames, in their order."""
    path = tmp_path / "feed"
    lines = tabular(3000).splitlines(keepends=True)
    lines[1500] = 'x,5" pipe",1\n'
    lines[2000] = '"y"z,1,1\n'
    lines[2900] = "ragged\n"
    path.write_text("".join(lines), encoding="utf-8")
    read = list(read_delimited(path, feed(), least=2000, most=20_000))
    assert [row.number for row in rows(iter(read))] == list(range(2, 3002))
    single = [row for row in read if not isinstance(row, Block)]
    assert [(2001, "bad_quotes"), (2901, "ragged_row")] == [
        (row.number, row.code) for row in single if isinstance(row, BadRow)
    ]
    assert len(single) < 300


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("sku,name,", "a,b,", {"sku": "a", "name": "b"}),
        ("sku,name", "a,b,,", {"sku": "a", "name": "b"}),
        ("sku,,name", "a,x,b", {"sku": "a", "name": "b"}),
        ("sku,price,price", "a,1,2", {"sku": "a", "price (1)": "1", "price (2)": "2"}),
        ("sku", "a", {"sku": "a"}),
    ],
)
def test_columns(tmp_path: Path, header: str, row: str, expected: dict[str, str]) -> None:
    """Columns without a name are left out, those with one name are numbered."""
    path = tmp_path / "feed"
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    assert [RawRow(2, expected)] == rows(read_delimited(path, feed()))


@pytest.mark.parametrize("quote", ["", '"'], ids=["bare", "quoted"])
def test_longest_values(tmp_path: Path, quote: str) -> None:
    """A value too long for the csv module is a reject in a feed of any kind; others are read."""
    path = tmp_path / "feed"
    fits, exceeds = "x" * 131_072, "x" * 131_073
    path.write_text(f"{HEADER}a,{quote}{fits}{quote},1\nb,{quote}{exceeds}{quote},2\nc,x,3\n")
    found = rows(read_delimited(path, feed()))
    assert [(2, "a"), (3, "bad_quotes"), (4, "c")] == [
        (row.number, row.code if isinstance(row, BadRow) else row.values["sku"]) for row in found
    ]


def test_delimiter_beyond_ascii(tmp_path: Path) -> None:
    """What polars cannot part is parted by the csv module."""
    path = tmp_path / "feed"
    path.write_text("sku¦name\n1¦Tent\n", encoding="utf-8")
    assert [RawRow(2, {"sku": "1", "name": "Tent"})] == rows(
        read_delimited(path, feed(delimiter="¦"))
    )


@pytest.mark.parametrize("rest", [b"\x9d,b,2\n", b"b,\x9d,2\n"], ids=["next", "below"])
def test_bytes_that_are_no_text(tmp_path: Path, rest: bytes) -> None:
    """Halves of a character in two values do not make one, wherever the rows are read."""
    path = tmp_path / "feed"
    path.write_bytes(HEADER.encode() + b"a,\xd0,1\n" + rest)
    with pytest.raises(FeedError, match="byte 18 on line 2 cannot be read"):
        rows(read_delimited(path, feed()))


_MEASURE = """
import resource, sys
from pathlib import Path
from contextworker.core.messages import ObjectRef
from contextworker.harvest.feeds.formats.tables.delimited import read_delimited
from contextworker.harvest.messages import Feed

feed = Feed(source="x", format="csv", encoding="utf-8", raw=ObjectRef(key="x/y", size=1))
print(sum(part.frame.height for part in read_delimited(Path(sys.argv[1]), feed)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_of_a_process_is_bounded(tmp_path: Path) -> None:
    """A process that reads ten times the rows stays as small, polars and all."""
    peaks = []
    path = tmp_path / "feed"
    for count in (500_000, 5_000_000):
        with path.open("w") as file:
            file.write(HEADER)
            for _ in range(count // 1000):
                file.write("12345,A tent of some kind for two,19.50\n" * 1000)
        command = [sys.executable, "-c", _MEASURE, str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows_read, peak = map(int, done.stdout.split())
        assert count == rows_read
        peaks.append(peak)
    assert peaks[1] < 1.3 * peaks[0]


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Ten times the rows take no more memory to read."""
    peaks = []
    path = tmp_path / "feed"
    for count in (40_000, 400_000):
        path.write_text(HEADER + "12345,A tent of some kind for two,19.50\n" * count)
        tracemalloc.start()
        for _ in read_delimited(path, feed(), most=1_000_000):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
