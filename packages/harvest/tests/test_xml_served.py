"""XML feeds as they come from a supplier's web server."""
# ruff: noqa: RUF001 -- names as suppliers write them, in Cyrillic too

from pathlib import Path
from typing import Any

import pytest

from contextworker.core.messages import ObjectRef
from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.detect import detect
from contextworker.harvest.feeds.fetch import Fetched, Fetcher, fetch_limits
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed, FeedFormat
from contextworker.harvest.settings import HarvestSettings
from contextworker.harvest.suppliers import Source

FEEDS = Path(__file__).parent / "feeds"


@pytest.mark.parametrize(
    ("name", "expected_format", "expected_names"),
    [
        ("google.xml", FeedFormat.GOOGLE, ["Fjell 2 tent", "Kveld lamp"]),
        ("google_atom.xml", FeedFormat.GOOGLE, ["Fjell 2 tent"]),
        (
            "yml.xml",
            FeedFormat.YML,
            ["Палатка Nordlys Fjell 4", "Фонарь Kveld", "А. Лесной: Тропы", "Без категории"],
        ),
        ("bmecat_12.xml", FeedFormat.BMECAT, ["Zelt Fjell, grün", "Heringe"]),
        ("bmecat_2005_update.xml", FeedFormat.BMECAT, ["Zelt Fjell", "Kocher"]),
    ],
    ids=["google", "atom", "yml", "bmecat-12", "bmecat-2005"],
)
async def test_served(
    *,
    name: str,
    expected_format: FeedFormat,
    expected_names: list[str],
    tmp_path: Path,
    web: Any,
    environment: dict[str, str],
) -> None:
    """A served feed's format and encoding are found out, and its products are read."""
    url = web.answer("/export", (FEEDS / name).read_bytes(), headers={"Content-Type": "text/xml"})
    source = Source(url=url)
    fetcher = Fetcher(fetch_limits(HarvestSettings()), environment={})
    fetched = await fetcher.fetch(source, tmp_path, None, lambda _done, _total: None)
    assert isinstance(fetched, Fetched)
    found = detect(
        fetched.path, name=fetched.name, content_type=fetched.content_type, source=source
    )
    feed = Feed(
        source=url,
        format=found.format,
        encoding=found.encoding,
        raw=ObjectRef(key="x/y", size=1),
    )
    assert expected_format is found.format
    column = "title" if expected_format is FeedFormat.GOOGLE else "name"
    names: list[str] = []
    for block in READERS[found.format](fetched.path, feed):
        assert isinstance(block, Block)
        names += block.frame[column].to_list()
    assert expected_names == names
