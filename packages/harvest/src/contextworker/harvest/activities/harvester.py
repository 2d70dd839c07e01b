"""The harvest activities, each a step of the workflow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from contextworker.brain import Brain
from contextworker.core.heartbeats import beating
from contextworker.core.messages import Progress
from contextworker.core.metrics import UNKNOWN, is_on
from contextworker.core.objects import ObjectStore
from contextworker.harvest.activities.fetching import Fetching
from contextworker.harvest.activities.finishing import finish
from contextworker.harvest.activities.starting import refuse_second
from contextworker.harvest.counting import count
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch import Fetcher
from contextworker.harvest.messages import (
    Feed,
    FetchedFeeds,
    HarvestActivities,
    HarvestEnd,
    HarvestPlan,
    HarvestRun,
    SupplierList,
    TransformedFeeds,
)
from contextworker.harvest.replay import check_replay
from contextworker.harvest.settings import HarvestSettings
from contextworker.harvest.suppliers import Supplier, SupplierDirectory
from contextworker.harvest.sync import SyncCursor, Synchronizer
from contextworker.harvest.transform import Transformer

_SHOWN_HOSTS = 10  # in one line of a summary


class Harvester(HarvestActivities):
    """Harvests into one Brain and one object store."""

    def __init__(
        self,
        *,
        settings: HarvestSettings,
        suppliers: SupplierDirectory,
        fetcher: Fetcher,
        store: ObjectStore,
        brain: Brain,
    ) -> None:
        self._settings = settings
        self._suppliers = suppliers
        self._fetcher = fetcher
        self._store = store
        self._brain = brain

    @activity.defn(name="list_suppliers")
    async def list_suppliers(self) -> SupplierList:
        """List the supplier files. It only reads, so a retry is safe."""
        async with beating():
            codes = await asyncio.to_thread(self._suppliers.codes)
        return SupplierList(codes=codes, parallel=self._settings.harvest_parallel_suppliers)

    @activity.defn(name="start_harvest")
    async def start_harvest(self, run: HarvestRun) -> HarvestPlan:
        """Record the run as running, then read the supplier's file.

        A retry is safe: the Brain knows the run by its id. The record comes first, so that a run
        of a supplier that does not exist is to be seen too.
        """
        async with beating():
            record = await self._brain.start_run(
                run.tenant_id,
                run_id=run.run_id,
                workflow_id=run.workflow_id,
                supplier_code=run.supplier_code,
            )
            supplier = await self._supplier(run)
            await refuse_second(self._brain, run, record)
            if run.replay_run_id is not None:
                await check_replay(self._brain, run)
        return HarvestPlan(
            retries=supplier.retry.steps,
            heartbeat_timeout_s=self._settings.harvest_heartbeat_timeout_s,
            hosts=tuple(source.host for source in supplier.sources[:_SHOWN_HOSTS]),
        )

    @activity.defn(name="fetch_products")
    async def fetch_products(self, run: HarvestRun) -> FetchedFeeds:
        """Copy each source that has changed into the object store.

        A retry is safe: objects are named by their content. It resumes after the sources that are
        there already.
        """
        supplier = await self._supplier(run)
        feeds = [Feed.model_validate(feed) for feed in _resumed() or []]
        fetching = Fetching(
            fetcher=self._fetcher,
            store=self._store,
            brain=self._brain,
            supplier=supplier,
            run=run,
            max_workbook_bytes=self._settings.harvest_max_workbook_bytes,
        )
        start = Progress(stage="fetching", unit="bytes")
        async with _named(supplier), beating(start, _dump(feeds)) as heart:
            return await fetching.fetch(
                feeds,
                lambda fetched, done, total: heart.beat(
                    Progress(stage="fetching", done=done, total=total, unit="bytes"),
                    _dump(fetched),
                ),
            )

    @activity.defn(name="transform_data")
    async def transform_data(self, fetched: FetchedFeeds) -> TransformedFeeds:
        """Find out what the rows of the feeds change, and refuse what must not be stored.

        A retry is safe: until its result is known nothing is written to the Brain, and what it
        leaves in the object store is deleted when the run ends.
        """
        supplier = await self._supplier(fetched.run)
        transformer = Transformer(self._brain, self._store, supplier, fetched.run)
        async with _named(supplier), beating(Progress(stage="transforming")) as heart:
            return await transformer.transform(
                fetched,
                batch_rows=self._settings.harvest_batch_rows,
                on_rows=lambda rows: heart.beat(Progress(stage="transforming", done=rows)),
            )

    @activity.defn(name="sync_to_brain")
    async def sync_to_brain(self, transformed: TransformedFeeds) -> None:
        """Store what changed in the Brain; resumes at the batch a crashed attempt had reached.

        A retry is safe: storing a batch again changes nothing, and the counts are the plan's.
        """

        def progress(cursor: SyncCursor) -> Progress:
            return Progress(stage="storing", done=cursor.rows, total=transformed.to_store)

        cursor = SyncCursor.model_validate(_resumed() or {})
        sync = Synchronizer(self._brain, self._store, transformed.run)
        async with beating(progress(cursor), cursor) as heart:
            await sync.sync(
                transformed,
                cursor,
                parallel=self._settings.harvest_parallel_batches,
                on_batch=lambda reached: heart.beat(progress(reached), reached),
            )

    @activity.defn(name="finish_harvest")
    async def finish_harvest(self, end: HarvestEnd) -> None:
        """Record how the run ended, and remove what it leaves in the object store.

        A retry is safe: a finished run stays as it is, and what is gone stays gone.
        """
        async with beating():
            await finish(self._brain, self._store, end)
            if is_on():
                known = await asyncio.to_thread(self._suppliers.has, end.run.supplier_code)
                count(end, supplier=end.run.supplier_code if known else UNKNOWN)

    async def _supplier(self, run: HarvestRun) -> Supplier:
        return await asyncio.to_thread(self._suppliers.load, run.supplier_code)


@asynccontextmanager
async def _named(supplier: Supplier) -> AsyncIterator[None]:
    """Begin what is wrong with a feed by whose it is."""
    try:
        yield
    except FeedError as error:
        raise type(error)(f"{supplier.name}: {error}") from error.__cause__
    except FeedUnavailableError as error:
        # Not `from`: while it is tried again, Temporal shows a failure only up to 4 KB, and the
        # stacks of an HTTP client are more.
        sentence = f"{supplier.name}: {error}"
        if error.retry_after_s is None:
            raise type(error)(sentence) from None
        raise ApplicationError(
            sentence,
            type=type(error).__name__,
            next_retry_delay=timedelta(seconds=error.retry_after_s),
        ) from None


def _resumed() -> Any:
    """Return what an earlier attempt left for this one."""
    details = activity.info().heartbeat_details
    return details[1] if len(details) > 1 else None


def _dump(feeds: list[Feed]) -> list[dict[str, Any]]:
    return [feed.model_dump(mode="json") for feed in feeds]
