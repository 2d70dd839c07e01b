"""How feeds are read: one reader per format."""

from collections.abc import Mapping

from contextworker.harvest.feeds.blocks import Reader
from contextworker.harvest.feeds.formats.json_feeds.document import read_json
from contextworker.harvest.feeds.formats.json_feeds.lines import read_jsonl
from contextworker.harvest.feeds.formats.parquet import read_parquet
from contextworker.harvest.feeds.formats.tables.delimited import read_delimited
from contextworker.harvest.feeds.formats.tables.google_tsv import read_google_tsv
from contextworker.harvest.feeds.formats.tables.shopify import read_shopify
from contextworker.harvest.feeds.formats.workbooks.sheets import read_sheet
from contextworker.harvest.feeds.formats.workbooks.workbook import check_workbook
from contextworker.harvest.feeds.formats.xml_feeds.bmecat.feed import read_bmecat
from contextworker.harvest.feeds.formats.xml_feeds.google import read_google
from contextworker.harvest.feeds.formats.xml_feeds.yml import read_yml
from contextworker.harvest.messages import FeedFormat

READERS: Mapping[FeedFormat, Reader] = {
    FeedFormat.CSV: read_delimited,
    FeedFormat.TSV: read_delimited,
    FeedFormat.GOOGLE_TSV: read_google_tsv,
    FeedFormat.SHOPIFY: read_shopify,
    FeedFormat.JSON: read_json,
    FeedFormat.JSONL: read_jsonl,
    FeedFormat.XLSX: read_sheet,
    FeedFormat.XLS: read_sheet,
    FeedFormat.ODS: read_sheet,
    FeedFormat.PARQUET: read_parquet,
    FeedFormat.GOOGLE: read_google,
    FeedFormat.YML: read_yml,
    FeedFormat.BMECAT: read_bmecat,
}

WORKBOOKS = frozenset({FeedFormat.XLSX, FeedFormat.XLS, FeedFormat.ODS})

__all__ = ["READERS", "WORKBOOKS", "check_workbook"]
