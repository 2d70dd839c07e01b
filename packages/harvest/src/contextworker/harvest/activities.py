"""The harvest activities: what the workflow's steps do in the world."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from temporalio import activity

from contextworker.brain import Brain, RunStatus, UpsertCounts
from contextworker.core.heartbeats import Heart, beating
from contextworker.core.messages import Progress
from contextworker.core.objects import ObjectStore
from contextworker.harvest.errors import FeedError, FeedUnavailableError
from contextworker.harvest.feeds.fetch import Fetched, Fetcher
from contextworker.harvest.feeds.formats import check_workbook
from contextworker.harvest.feeds.sniff import check_feed
from contextworker.harvest.messages import (
    Feed,
    FeedFormat,
    FetchedFeeds,
    HarvestActivities,
    HarvestEnd,
    HarvestPlan,
    HarvestRun,
    StoredProducts,
    SupplierList,
    TransformedFeeds,
)
from contextworker.harvest.settings import HarvestSettings
from contextworker.harvest.suppliers import Source, Supplier, SupplierDirectory
from contextworker.harvest.sync import SyncCursor, Synchronizer
from contextworker.harvest.transform import Transformer


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
        codes = await asyncio.to_thread(self._suppliers.codes)
        return SupplierList(codes=codes, parallel=self._settings.harvest_parallel_suppliers)

    @activity.defn(name="start_harvest")
    async def start_harvest(self, run: HarvestRun) -> HarvestPlan:
        """Record the run as running, then read the supplier's file.

        A retry is safe: the Brain knows the run by its id. The record comes first, so that a run
        of a supplier that does not exist is to be seen too.
        """
        await self._brain.start_run(
            run.tenant_id,
            run_id=run.run_id,
            workflow_id=run.workflow_id,
            supplier_code=run.supplier_code,
        )
        supplier = await asyncio.to_thread(self._suppliers.load, run.supplier_code)
        return HarvestPlan(
            retry=supplier.retry.steps.fetch,
            heartbeat_timeout_s=self._settings.harvest_heartbeat_timeout_s,
        )

    @activity.defn(name="fetch_products")
    async def fetch_products(self, run: HarvestRun) -> FetchedFeeds:
        """Copy each source into the object store.

        A retry is safe: objects are named by their content. It resumes after the sources that are
        there already.
        """
        supplier = await asyncio.to_thread(self._suppliers.load, run.supplier_code)
        feeds = _resumed_feeds(supplier)
        async with beating(Progress(stage="fetching", unit="bytes"), _dump(feeds)) as heart:
            for number in range(len(feeds), len(supplier.sources)):
                try:
                    feeds.append(await self._fetch(run, supplier, number, heart, feeds))
                except (FeedError, FeedUnavailableError) as error:
                    # Not `from`: while it is tried again, Temporal shows a failure only up to
                    # 4 KB, and the stacks of an HTTP client are more.
                    raise type(error)(f"{supplier.name}: {error}") from None
                size = feeds[-1].raw.size
                heart.beat(
                    Progress(stage="fetching", done=size, total=size, unit="bytes"), _dump(feeds)
                )
        return FetchedFeeds(run=run, feeds=tuple(feeds))

    async def _fetch(
        self, run: HarvestRun, supplier: Supplier, number: int, heart: Heart, fetched: list[Feed]
    ) -> Feed:
        source = supplier.sources[number]

        def on_bytes(done: int, total: int | None) -> None:
            progress = Progress(stage="fetching", done=done, total=total, unit="bytes")
            heart.beat(progress, _dump(fetched))

        with tempfile.TemporaryDirectory(prefix="contextworker-harvest-") as folder:
            got = await self._fetcher.fetch(source, Path(folder), None, on_bytes)
            assert isinstance(got, Fetched)
            path, feed_format = got.path, _format(source, got)
            await asyncio.to_thread(self._check, path, source, feed_format)
            return Feed(
                source=_label(supplier, number),
                format=feed_format,
                encoding=source.encoding or "utf-8",
                delimiter=source.delimiter,
                sheet=source.sheet,
                raw=await self._store.put_file(path, prefix=_prefix(run)),
            )

    def _check(self, path: Path, source: Source, feed_format: FeedFormat) -> None:
        check_feed(
            path,
            source=source.public_url,
            feed_format=feed_format,
            encoding=source.encoding or "utf-8",
        )
        if feed_format is FeedFormat.XLSX:
            limit = self._settings.harvest_max_workbook_bytes
            check_workbook(path, source=source.public_url, max_bytes=limit)

    @activity.defn(name="transform_data")
    async def transform_data(self, fetched: FetchedFeeds) -> TransformedFeeds:
        """Turn the rows of the feeds into batches of products and of rejects.

        A retry is safe: it reads the same objects and writes the same batches under the same names.
        """
        supplier = await asyncio.to_thread(self._suppliers.load, fetched.run.supplier_code)
        transformer = Transformer(
            self._store,
            supplier,
            prefix=_prefix(fetched.run),
            batch_rows=self._settings.harvest_batch_rows,
        )
        async with beating(Progress(stage="transforming")) as heart:
            try:
                return await transformer.transform(
                    fetched, lambda rows: heart.beat(Progress(stage="transforming", done=rows))
                )
            except FeedError as error:
                raise FeedError(f"{supplier.name}: {error}") from error.__cause__

    @activity.defn(name="sync_to_brain")
    async def sync_to_brain(self, transformed: TransformedFeeds) -> StoredProducts:
        """Store the batches in the Brain; resumes at the batch a crashed attempt had reached.

        A retry is safe: the Brain counts a product once a run, however often a batch comes.
        """

        def progress(cursor: SyncCursor) -> Progress:
            return Progress(stage="storing", done=cursor.rows, total=transformed.rows)

        details = activity.info().heartbeat_details
        cursor = SyncCursor.model_validate(details[1]) if len(details) > 1 else SyncCursor()
        async with beating(progress(cursor), cursor) as heart:
            counts = await Synchronizer(self._brain, self._store).sync(
                transformed, cursor, lambda reached: heart.beat(progress(reached), reached)
            )
        return StoredProducts(**counts.model_dump())

    @activity.defn(name="finish_harvest")
    async def finish_harvest(self, end: HarvestEnd) -> None:
        """Record how the run ended. A retry is safe: a finished run stays as it is."""
        report = end.report
        counts = UpsertCounts()
        if report is not None:
            counts = UpsertCounts(
                inserted=report.inserted, updated=report.updated, unchanged=report.unchanged
            )
        await self._brain.finish_run(
            end.run.tenant_id,
            run_id=end.run.run_id,
            status=RunStatus(end.status.value),
            counts=counts,
            rejected=report.rejected if report is not None else 0,
            error=end.error,
        )


def _format(source: Source, got: Fetched) -> FeedFormat:
    endings = {".tab": FeedFormat.TSV, ".ndjson": FeedFormat.JSONL}
    ending = Path(got.name).suffix.lower()
    found = source.format or endings.get(ending)
    if found is None and ending.removeprefix(".") in set(FeedFormat):
        found = FeedFormat(ending.removeprefix("."))
    if found is None:
        raise FeedError(
            f"the format of {source.public_url} is not known from its name; "
            f"set format to {', '.join(FeedFormat)} in the supplier file"
        )
    return found


def _prefix(run: HarvestRun) -> str:
    return f"{run.tenant_id}/harvest"


def _label(supplier: Supplier, number: int) -> str:
    """Name a source among the supplier's: rejects are told apart by it."""
    label = supplier.sources[number].public_url
    alike = sum(source.public_url == label for source in supplier.sources)
    # Two sheets of a workbook, or addresses that differ in the part that is not shown.
    return label if alike == 1 else f"{label} (source {number + 1})"


def _resumed_feeds(supplier: Supplier) -> list[Feed]:
    """Return the feeds an earlier attempt fetched; none where the supplier's file has changed."""
    details = activity.info().heartbeat_details
    feeds = [Feed.model_validate(feed) for feed in details[1]] if len(details) > 1 else []
    labels = [_label(supplier, number) for number in range(len(supplier.sources))]
    return feeds if [feed.source for feed in feeds] == labels[: len(feeds)] else []


def _dump(feeds: list[Feed]) -> list[dict[str, Any]]:
    return [feed.model_dump(mode="json") for feed in feeds]
