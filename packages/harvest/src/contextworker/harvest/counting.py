"""What a worker's metrics say of harvests."""

import asyncio
import math
import time

from contextworker.brain import Brain
from contextworker.core.metrics import UNKNOWN
from contextworker.core.metrics.harvest import (
    FEED_BYTES,
    LAST_SUCCESS,
    PRODUCTS,
    REJECTS,
    RUN_SECONDS,
    RUNS,
    Change,
    Ended,
    Feed,
    ProductChange,
    RunEnd,
)
from contextworker.harvest.messages import HarvestEnd, HarvestReport, HarvestStatus
from contextworker.harvest.suppliers import SupplierDirectory

_ENDS = (HarvestStatus.COMPLETED, HarvestStatus.NOT_MODIFIED, HarvestStatus.FAILED)


def count(end: HarvestEnd, *, supplier: str) -> None:
    """Count a run whose end is recorded: what it did, and how it ended.

    Args:
        end: As it is recorded.
        supplier: Its supplier; `UNKNOWN` for a code that has no file, for whoever may start
            harvests may ask for any.
    """
    feed = Feed(end.run.tenant_id, supplier)
    RUNS.add(1, RunEnd(*feed, end.status))
    report = end.report
    if report is None:
        return
    if end.run.replay_run_id is None and supplier != UNKNOWN:
        LAST_SUCCESS.set(time.time(), feed)  # as the Brain has just noted
    RUN_SECONDS.record(report.duration_s, Ended(end.status))
    FEED_BYTES.add(report.bytes, feed)
    REJECTS.add(report.rejected, feed)
    for change, products in _changes(report).items():
        PRODUCTS.add(products, ProductChange(*feed, change))


def _changes(report: HarvestReport) -> dict[Change, int]:
    return {
        Change.INSERTED: report.inserted,
        Change.UPDATED: report.updated - report.returned,
        Change.RETURNED: report.returned,
        Change.UNCHANGED: report.unchanged,
        Change.REMOVED: report.removed,
    }


class Freshness:
    """Tells when each supplier was last harvested, whichever worker did it, and however long ago.

    A supplier whose file is gone is fresh no longer, nor stale: its series ends with no number.
    """

    def __init__(self, brain: Brain, suppliers: SupplierDirectory) -> None:
        self._brain = brain
        self._suppliers = suppliers
        self._told: set[Feed] = set()

    async def tell(self) -> None:
        """Ask the Brain, and set what it says."""
        known = frozenset(await asyncio.to_thread(self._suppliers.usable))
        told = set()
        for last in await self._brain.last_harvests():
            if last.supplier_code not in known:
                continue
            feed = Feed(last.tenant_id, last.supplier_code)
            LAST_SUCCESS.set(last.finished_at.timestamp(), feed)
            for outcome in _ENDS:  # so that the first failure is an increase
                RUNS.add(0, RunEnd(*feed, outcome))
            REJECTS.add(0, feed)
            told.add(feed)
        for feed in self._told - told:
            LAST_SUCCESS.set(math.nan, feed)
        self._told = told
