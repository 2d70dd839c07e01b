"""How a fetched feed is written."""

from pathlib import Path
from typing import NamedTuple

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.sniff import check_feed
from contextworker.harvest.messages import FeedFormat
from contextworker.harvest.suppliers import Source


class Recognised(NamedTuple):
    """How a feed is written."""

    format: FeedFormat
    encoding: str
    delimiter: str | None


def recognise(path: Path, source: Source, *, name: str, content_type: str) -> Recognised:
    """Tell how a feed is written."""
    del content_type
    endings = {".tab": FeedFormat.TSV, ".ndjson": FeedFormat.JSONL}
    ending = Path(name or source.public_url).suffix.lower()
    found = source.format or endings.get(ending)
    if found is None and ending.removeprefix(".") in set(FeedFormat):
        found = FeedFormat(ending.removeprefix("."))
    if found is None:
        raise FeedError(
            f"the format of {source.public_url} is not known from its name; "
            f"set format to {', '.join(FeedFormat)} in the supplier file"
        )
    encoding = source.encoding or "utf-8"
    check_feed(path, source=source.public_url, feed_format=found, encoding=encoding)
    return Recognised(found, encoding, source.delimiter)
