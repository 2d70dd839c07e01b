"""Google Merchant's product data as text."""

from pathlib import Path

import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.feeds.blocks import BadRow, Block, RawRow, Row
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed, FeedFormat


def read(folder: Path, text: str, *, delimiter: str | None = None) -> list[Row]:
    """Read a text as such a feed, row by row."""
    path = folder / "feed"
    path.write_text(text, encoding="utf-8")
    kind = FeedFormat.GOOGLE_TSV
    raw = ObjectRef(key="x/y", size=1)
    feed = Feed(source="g.txt", format=kind, encoding="utf-8", delimiter=delimiter, raw=raw)
    parts = READERS[kind](path, feed)
    return [row for part in parts for row in (part.rows() if isinstance(part, Block) else [part])]


@pytest.mark.parametrize("times", [1, 100], ids=["few", "many"])
@pytest.mark.parametrize("delimiter", [pytest.param(None, id="tab"), pytest.param(",", id="comma")])
def test_attributes(tmp_path: Path, times: int, delimiter: str | None) -> None:
    """Attributes have one name however the header writes it; texts stay whole."""
    header = ["id", "Image link", "g:Price", "product_type", "product_type", "size", "size"]
    cells = ["7", "https://x.y/a.jpg", "15.00 USD", "Camping > Tents", "Sale", "S", "M"]
    lines = [(delimiter or "\t").join(row) for row in (header, *[cells] * times)]
    expected = {
        "id": "7",
        "image_link": "https://x.y/a.jpg",
        "price": "15.00 USD",
        "product_type": "Camping > Tents",
        "size": "S, M",
    }
    rows = read(tmp_path, "\n".join([*lines, ""]), delimiter=delimiter)
    assert rows == [RawRow(number + 2, expected) for number in range(times)]


def test_broken_rows(tmp_path: Path) -> None:
    """A row of another length costs itself only."""
    rows = read(tmp_path, "id\ttitle\n1\tTent\n2\n3\tPot\tx\n4\tMat\n")
    assert ["1", "ragged_row", "ragged_row", "4"] == [
        row.code if isinstance(row, BadRow) else row.values["id"] for row in rows
    ]
