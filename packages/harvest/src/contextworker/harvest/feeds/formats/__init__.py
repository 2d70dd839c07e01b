"""How feeds are read: one reader per format."""

from collections.abc import Mapping

from contextworker.harvest.feeds.blocks import Reader
from contextworker.harvest.feeds.formats.delimited import read_delimited
from contextworker.harvest.feeds.formats.google import read_google
from contextworker.harvest.feeds.formats.jsonl import read_jsonl
from contextworker.harvest.feeds.formats.xlsx import check_workbook, read_xlsx
from contextworker.harvest.feeds.formats.yml import read_yml
from contextworker.harvest.messages import FeedFormat

READERS: Mapping[FeedFormat, Reader] = {
    FeedFormat.CSV: read_delimited,
    FeedFormat.TSV: read_delimited,
    FeedFormat.JSONL: read_jsonl,
    FeedFormat.XLSX: read_xlsx,
    FeedFormat.GOOGLE: read_google,
    FeedFormat.YML: read_yml,
}

__all__ = ["READERS", "check_workbook"]
