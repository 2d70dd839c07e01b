"""Files that are not the feed they are called."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.sniff import check_feed
from contextworker.harvest.messages import FeedFormat


def archive(name: str) -> bytes:
    """Make a ZIP archive with one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(zipfile.ZipInfo(name), "sku,name\n")  # of no particular time
    return buffer.getvalue()


PAGE = b"\xef\xbb\xbf\n <!DOCTYPE html><html><title>Log in</title>"


@pytest.mark.parametrize(
    ("content", "feed_format", "said"),
    [
        (b"", FeedFormat.CSV, "is empty; ask the supplier for a new export"),
        (b" \n\n", FeedFormat.JSONL, "is empty"),
        (archive("feed.csv"), FeedFormat.CSV, "should be a CSV file but is a ZIP archive"),
        (archive("xl/workbook.xml"), FeedFormat.CSV, 'set format = "xlsx"'),
        (gzip.compress(b"sku", mtime=0), FeedFormat.TSV, "a TSV file but is a gzip archive"),
        (b"\xd0\xcf\x11\xe0 old", FeedFormat.CSV, "is an old Excel workbook"),
        (b"%PDF-1.7", FeedFormat.CSV, "is a PDF document"),
        ("sku,name".encode("utf-16"), FeedFormat.CSV, 'set encoding = "utf-16"'),
        (b"sku\0name", FeedFormat.CSV, "is a binary file"),
        (PAGE, FeedFormat.CSV, "is a web page, often a login or error page"),
        (PAGE, FeedFormat.XLSX, "an XLSX workbook but is a web page"),
        (PAGE, FeedFormat.JSONL, "is a web page"),
        (b'<?xml version="1.0"?><shop/>', FeedFormat.CSV, "is an XML document"),
        (b'{"sku": 1}', FeedFormat.CSV, 'set format = "jsonl"'),
        (b'[{"sku": 1}]', FeedFormat.JSONL, "is one JSON list"),
        (b"sku,name\na,b\n", FeedFormat.JSONL, "holds no JSON objects"),
        (b"sku,name\na,b\n", FeedFormat.XLSX, "is no workbook"),
        (b"\xd0\xcf\x11\xe0 old", FeedFormat.XLSX, "an old .xls or a password-protected"),
    ],
)
def test_recognised(tmp_path: Path, content: bytes, feed_format: FeedFormat, said: str) -> None:
    """What a file really is, and what to do about it, is said in one sentence."""
    path = tmp_path / "feed"
    path.write_bytes(content)
    with pytest.raises(FeedError) as caught:
        check_feed(path, source="shop.csv", feed_format=feed_format, encoding="utf-8")
    assert said in str(caught.value)
    assert str(caught.value).startswith("the feed shop.csv ")


@pytest.mark.parametrize(
    ("content", "feed_format", "encoding"),
    [
        (b"sku,name\n", FeedFormat.CSV, "utf-8"),
        (b"\xef\xbb\xbfsku\tname", FeedFormat.TSV, "utf-8"),
        (b'broken line\n{"sku": 1}\n', FeedFormat.JSONL, "utf-8"),
        (archive("xl/workbook.xml"), FeedFormat.XLSX, "utf-8"),
        ("sku,name".encode("utf-16"), FeedFormat.CSV, "utf-16"),
    ],
)
def test_let_through(
    tmp_path: Path, content: bytes, feed_format: FeedFormat, encoding: str
) -> None:
    """A file that may well be such a feed is read."""
    path = tmp_path / "feed"
    path.write_bytes(content)
    check_feed(path, source="shop.csv", feed_format=feed_format, encoding=encoding)
