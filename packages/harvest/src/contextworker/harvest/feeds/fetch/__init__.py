"""Bring one source's bytes to local disk, unpacked, or say in one sentence why not."""

from contextworker.harvest.feeds.fetch.fetcher import Fetcher
from contextworker.harvest.feeds.fetch.limits import FetchLimits, fetch_limits
from contextworker.harvest.feeds.fetch.result import Fetched, NotModified, OnBytes

__all__ = ["FetchLimits", "Fetched", "Fetcher", "NotModified", "OnBytes", "fetch_limits"]
