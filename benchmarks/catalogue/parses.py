"""Reading feeds, and nothing else: by the library alone, and by our reader."""

import time
from pathlib import Path

from lxml import etree  # type: ignore[import-untyped]  # it ships no types
from python_calamine import CalamineWorkbook

from contextworker.core.messages import ObjectRef
from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed, FeedFormat

_ELEMENT = {"yml": "offer", "google": "item"}


def plain(name: str, feed: Path) -> float:
    """Return the seconds that the library takes to give every cell or text."""
    begun = time.perf_counter()
    if name == "xlsx":
        CalamineWorkbook.from_path(feed).get_sheet_by_index(0).to_python()
    else:
        for _, element in etree.iterparse(feed, tag=_ELEMENT[name]):
            {child.tag: child.text for child in element}
            element.clear()
    return time.perf_counter() - begun


def reader(name: str, feed: Path) -> float:
    """Return the seconds that our reader takes to give every row."""
    asked = Feed(
        source=feed.name,
        format=FeedFormat(name),
        encoding="utf-8",
        raw=ObjectRef(key="none/" + "0" * 64, size=feed.stat().st_size),
    )
    begun = time.perf_counter()
    for part in READERS[asked.format](feed, asked):
        assert not isinstance(part, Block) or part.frame.height
    return time.perf_counter() - begun
