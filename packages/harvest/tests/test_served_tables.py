"""Tables as a supplier's web server sends them: fetched, recognised, read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.feeds.blocks import Block, RawRow
from contextworker.harvest.feeds.detect import detect
from contextworker.harvest.feeds.fetch import Fetched, Fetcher, FetchLimits
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed, FeedFormat
from contextworker.harvest.suppliers import Source

SHOPIFY = (
    "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n"
    "tent,Tent,Size,S,T-S,9.00\ntent,,,L,T-L,10.00\n"
)
GOOGLE = (
    "id\ttitle\tlink\timage link\tavailability\tprice\n"
    "7\tTent\thttps://x.y/7\thttps://x.y/7.jpg\tin_stock\t15.00 USD\n"
)


@pytest.mark.parametrize(
    ("path", "body", "expected_format", "expected"),
    [
        pytest.param(
            "/export.php",
            "\ufeffsku;name;price\r\n1;Tent;1,50\r\n",
            FeedFormat.CSV,
            {"sku": "1", "name": "Tent", "price": "1,50"},
            id="csv",
        ),
        pytest.param(
            "/price.csv",
            "код;товар\n1;Палатка\n".encode("cp1251"),
            FeedFormat.CSV,
            {"код": "1", "товар": "Палатка"},
            id="csv-cyrillic",
        ),
        pytest.param(
            "/stock.tsv",
            "sku\tname\n1\tTent, green\n",
            FeedFormat.TSV,
            {"sku": "1", "name": "Tent, green"},
            id="tsv",
        ),
        pytest.param(
            "/google.txt",
            GOOGLE,
            FeedFormat.GOOGLE_TSV,
            {"id": "7", "price": "15.00 USD", "image_link": "https://x.y/7.jpg"},
            id="google-tsv",
        ),
        pytest.param(
            "/products_export.csv",
            SHOPIFY,
            FeedFormat.SHOPIFY,
            {"sku": "T-L", "title": "Tent - L", "params": '{"Size":"L"}'},
            id="shopify",
        ),
    ],
)
async def test_served(
    web: Any,
    tmp_path: Path,
    *,
    path: str,
    body: str | bytes,
    expected_format: FeedFormat,
    expected: dict[str, str],
) -> None:
    """A served table is recognised without a word in the supplier file, and read."""
    served: Callable[..., str] = web.answer
    url = served(path, body, headers={"Content-Type": "application/octet-stream"})
    source = Source(url=url, allow_hosts=("127.0.0.1",))
    fetcher = Fetcher(FetchLimits(max_bytes=1_000_000), environment={})
    fetched = await fetcher.fetch(source, tmp_path, None, lambda _done, _total: None)
    assert isinstance(fetched, Fetched)
    detected = detect(
        fetched.path, name=fetched.name, content_type=fetched.content_type, source=source
    )
    feed = Feed(
        source=source.public_url,
        format=detected.format,
        encoding=detected.encoding,
        delimiter=detected.delimiter,
        raw=ObjectRef(key="x/y", size=1),
    )
    rows: list[Any] = []
    for part in READERS[feed.format](fetched.path, feed):
        rows.extend(part.rows() if isinstance(part, Block) else [part])
    assert (expected_format, True) == (feed.format, isinstance(rows[-1], RawRow))
    assert expected == {name: rows[-1].values[name] for name in expected}
