"""What harvests count. Each run is counted once, by its last activity, when its end is recorded.

An attempt at that activity which was cut off before its answer came through is made again, so a run
may rarely count twice; one that was terminated in Temporal does not count at all.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from contextworker.core.metrics.instruments import Counter, Gauge, Histogram

_RUN_S: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 10_800, 43_200)


class Feed(NamedTuple):
    """A tenant's supplier."""

    tenant: str
    supplier: str


class ProductChange(NamedTuple):
    """What became of products."""

    tenant: str
    supplier: str
    change: str


class RunEnd(NamedTuple):
    """How a run of a supplier ended."""

    tenant: str
    supplier: str
    outcome: str


class Ended(NamedTuple):
    """How a run ended."""

    outcome: str


class Change(StrEnum):
    """What became of a product. The first three were written."""

    INSERTED = "inserted"
    UPDATED = "updated"
    RETURNED = "returned"
    """It was updated, too, but had been removed before."""
    UNCHANGED = "unchanged"
    REMOVED = "removed"


PRODUCTS = Counter(
    "contextworker_harvest_products",
    "Products of completed harvests, by what became of them.",
    ProductChange,
)
REJECTS = Counter(
    "contextworker_harvest_rejects", "Feed rows that were no product, of completed harvests.", Feed
)
RUNS = Counter(
    "contextworker_harvest_runs", "Harvests that ended, by tenant, supplier and outcome.", RunEnd
)
RUN_SECONDS = Histogram(
    "contextworker_harvest_duration_seconds",
    "How long harvests took from their start to their end, by outcome.",
    Ended,
    buckets=_RUN_S,
)
FEED_BYTES = Counter("contextworker_harvest_feed_bytes", "Size of the feeds that were read.", Feed)
LAST_SUCCESS = Gauge(
    "contextworker_harvest_last_success_timestamp_seconds",
    "When a supplier was last harvested with success, by the Brain; every worker tells the same.",
    Feed,
)
