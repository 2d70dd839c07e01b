"""Parquet: columns of any type become what mapping knows, in flat memory."""

import subprocess
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.errors import FeedError, FeedTruncatedError
from contextworker.harvest.feeds.blocks import Block, RawRow, Row
from contextworker.harvest.feeds.detect import detect
from contextworker.harvest.feeds.fetch import Fetched, Fetcher, FetchLimits
from contextworker.harvest.feeds.formats.parquet import read_parquet
from contextworker.harvest.messages import Feed, FeedFormat
from contextworker.harvest.rows.numbers import parse_number
from contextworker.harvest.suppliers import Source

FEED = Feed(
    source="stock.parquet",
    format=FeedFormat.PARQUET,
    encoding="utf-8",
    raw=ObjectRef(key="x/y", size=1),
)


def rows(path: Path) -> list[Row]:
    """Return every row of a file."""
    return [
        row
        for item in read_parquet(path, FEED)
        for row in (item.rows() if isinstance(item, Block) else (item,))
    ]


def values(path: Path) -> list[dict[str, Any]]:
    """Return the values of every row of a file."""
    return [row.values for row in rows(path) if isinstance(row, RawRow)]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param(pl.Series(["Намет", None]), "Намет", id="text"),
        pytest.param(pl.Series([7, None], dtype=pl.UInt8), 7, id="small-integer"),
        pytest.param(pl.Series([2**64 - 1, None], dtype=pl.UInt64), 2**64 - 1, id="huge-integer"),
        pytest.param(pl.Series([12.3, None], dtype=pl.Float32), 12.3, id="float32"),
        pytest.param(pl.Series([0.1, None]), 0.1, id="float64"),
        pytest.param(pl.Series([Decimal("12.50"), None]), Decimal("12.5"), id="decimal"),
        pytest.param(
            pl.Series([Decimal("1234567890123456.78"), None]),
            Decimal("1234567890123456.78"),
            id="long-decimal",
        ),
        pytest.param(pl.Series([True, None]), True, id="boolean"),
        pytest.param(pl.Series([date(2026, 1, 2), None]), "2026-01-02", id="date"),
        pytest.param(
            pl.Series([datetime(2026, 1, 2, 3, 4, tzinfo=UTC), None]),
            "2026-01-02T03:04:00+00:00",
            id="moment",
        ),
        pytest.param(pl.Series([time(1, 2), None]), "01:02:00", id="time"),
        pytest.param(pl.Series(["red", None], dtype=pl.Categorical), "red", id="category"),
        pytest.param(pl.Series([b"abc", None]), "abc", id="bytes-of-a-text"),
        pytest.param(pl.Series([b"\xff\x00", None]), "ff00", id="bytes"),
        pytest.param(pl.Series([["A", "B"], None]), ["A", "B"], id="list"),
        pytest.param(pl.Series([{"k": 1, "v": "x"}, None]), {"k": 1, "v": "x"}, id="struct"),
    ],
)
def test_types(tmp_path: Path, column: pl.Series, expected: Any) -> None:
    """A value is what it was, or a text of it; nothing stays nothing."""
    pl.DataFrame({"sku": ["a", "b"], "x": column}).write_parquet(tmp_path / "feed")
    assert [{"sku": "a", "x": expected}, {"sku": "b", "x": None}] == values(tmp_path / "feed")


def test_decimals_are_exact(tmp_path: Path) -> None:
    """A decimal that a float would bend is none; the rest of the rows stay a frame."""
    amounts = ["12.50", "0.10", "1234567890123456.78", "9999999999.99", "7.00", "1234567890123.45"]
    column = pl.Series("price", [Decimal(amount) for amount in amounts])
    pl.DataFrame([column]).write_parquet(tmp_path / "feed")
    assert [Decimal(amount) for amount in amounts] == [
        parse_number(row["price"], None) for row in values(tmp_path / "feed")
    ]
    assert 4 == len(list(read_parquet(tmp_path / "feed", FEED)))


def test_rows_are_numbered_across_slices_and_groups(tmp_path: Path) -> None:
    """However a file is parted, its rows come in order, each once."""
    frame = pl.DataFrame({"sku": pl.int_range(25_000, eager=True)})
    frame.write_parquet(tmp_path / "feed", row_group_size=3_999)
    found = rows(tmp_path / "feed")
    assert list(range(1, 25_001)) == [row.number for row in found]
    assert frame["sku"].to_list() == [row["sku"] for row in values(tmp_path / "feed")]


@pytest.mark.parametrize(
    ("damage", "error", "said"),
    [
        pytest.param(lambda data: data[:-5], FeedTruncatedError, "cut off", id="end"),
        pytest.param(lambda data: data[:300], FeedTruncatedError, "cut off", id="start"),
        pytest.param(lambda _: b"PAR1", FeedError, "cannot be read", id="magic"),
        pytest.param(lambda _: b"x" * 1000, FeedError, "cannot be read", id="text"),
        pytest.param(
            lambda data: data[:4] + b"\xff" * 400 + data[404:],
            FeedError,
            "cannot be read",
            id="pages",
        ),
        pytest.param(
            lambda data: data[:-40] + b"\xff" * 32 + data[-8:],
            FeedError,
            "cannot be read",
            id="footer",
        ),
    ],
)
def test_damaged(tmp_path: Path, damage: Any, error: type[FeedError], said: str) -> None:
    """A file that is torn or full of garbage is refused in a sentence."""
    path = tmp_path / "feed"
    pl.DataFrame({"sku": [f"T-{n}" for n in range(500)]}).write_parquet(
        path, compression="uncompressed"
    )
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(error, match=said) as caught:
        rows(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_too_many_columns(tmp_path: Path) -> None:
    """A table as wide as it is long is no list of products."""
    pl.DataFrame({f"c{n}": [1] for n in range(1001)}).write_parquet(tmp_path / "feed")
    with pytest.raises(FeedError, match="has 1,001 columns, more than the 1,000 allowed"):
        rows(tmp_path / "feed")


def test_rows_of_megabytes(tmp_path: Path) -> None:
    """A row larger than any product is refused."""
    pl.DataFrame({"sku": ["x" * 5_000_000]}).write_parquet(tmp_path / "feed")
    with pytest.raises(FeedError, match="has rows of more than 4,194,304 bytes"):
        rows(tmp_path / "feed")


def test_equal_texts_make_small_blocks(tmp_path: Path) -> None:
    """A text that a dictionary holds once takes its room in every row when it is worked on."""
    pl.DataFrame({"sku": ["x" * 500_000] * 100}).write_parquet(tmp_path / "feed")
    assert (tmp_path / "feed").stat().st_size < 1_000_000
    sizes = [
        item.frame["sku"].str.len_bytes().sum()
        for item in read_parquet(tmp_path / "feed", FEED)
        if isinstance(item, Block)
    ]
    assert max(sizes) <= 8 * 1024 * 1024
    assert 100 * 500_000 == sum(sizes)


MEMORY = """
import resource, sys
from pathlib import Path
from contextworker.core.messages import ObjectRef
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed
feed = Feed(source="f", format="parquet", encoding="utf-8", raw=ObjectRef(key="x/y", size=1))
peaks, read = [], 0
for item in READERS["parquet"](Path(sys.argv[1]), feed):
    read += item.frame.height
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(read, peaks[1] * 1.3 > peaks[-1])
"""


def test_one_row_group_in_flat_memory(tmp_path: Path) -> None:
    """A file that is one row group is read by the slice all the same."""
    number = pl.int_range(300_000, eager=True)
    frame = pl.DataFrame({"number": number}).select(
        sku=pl.format("T-{}", "number"),
        name=pl.format("Product {} of a line with a longish name", "number"),
        price=pl.col("number") / 100,
    )
    frame.write_parquet(tmp_path / "feed", row_group_size=300_000)
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "feed")],
        capture_output=True,
        check=True,
        text=True,
    )
    assert "300000 True" == ended.stdout.strip()


async def test_served(tmp_path: Path, web: Any) -> None:
    """A file is fetched, recognised by what it is, and read."""
    pl.DataFrame({"sku": ["a"], "price": [12.5]}).write_parquet(tmp_path / "stock")
    url = web.answer("/export", (tmp_path / "stock").read_bytes())
    source = Source(url=url, allow_hosts=("127.0.0.1",))
    (tmp_path / "got").mkdir()
    fetcher = Fetcher(FetchLimits(max_bytes=1_000_000), environment={})
    got = await fetcher.fetch(source, tmp_path / "got", None, lambda _done, _total: None)
    assert isinstance(got, Fetched)
    found = detect(got.path, name=got.name, content_type=got.content_type, source=source)
    assert FeedFormat.PARQUET == found.format
    assert [{"sku": "a", "price": 12.5}] == values(got.path)
