"""Batches become products and rejects in the Brain."""

import asyncio
from collections.abc import Callable

from contextworker.brain import Brain, ProductRecord, RejectRecord, UpsertCounts
from contextworker.core.messages import Message
from contextworker.core.objects import ObjectStore
from contextworker.harvest.batches import Manifest, ProductBatch, RejectBatch, unpack
from contextworker.harvest.messages import HarvestRun, TransformedFeeds


class SyncCursor(Message):
    """Where a sync stands: the batches before `batch` are stored."""

    batch: int = 0
    rows: int = 0
    counts: UpsertCounts = UpsertCounts()


class Synchronizer:
    """Stores batches one transaction at a time. Storing one again changes and counts nothing."""

    def __init__(self, brain: Brain, store: ObjectStore) -> None:
        self._brain = brain
        self._store = store

    async def sync(
        self,
        transformed: TransformedFeeds,
        cursor: SyncCursor,
        on_batch: Callable[[SyncCursor], None],
    ) -> UpsertCounts:
        """Store every batch from the cursor on, and return the counts of the whole run.

        Args:
            transformed: Names the manifest.
            cursor: Where an earlier attempt stopped, or the start.
            on_batch: Called with the new cursor after each batch.
        """
        manifest = Manifest.model_validate_json(await self._store.get(transformed.manifest))
        batches: tuple[ProductBatch | RejectBatch, ...] = (*manifest.products, *manifest.rejects)
        for batch in batches[cursor.batch :]:
            counts = await self._store_batch(transformed.run, batch)
            cursor = SyncCursor(
                batch=cursor.batch + 1,
                rows=cursor.rows + batch.rows,
                counts=cursor.counts + counts,
            )
            on_batch(cursor)
        return cursor.counts

    async def _store_batch(
        self, run: HarvestRun, batch: ProductBatch | RejectBatch
    ) -> UpsertCounts:
        data = await self._store.get(batch.ref)
        if isinstance(batch, RejectBatch):
            rejects = await asyncio.to_thread(unpack, data, RejectRecord)
            await self._brain.record_rejects(run.tenant_id, run_id=run.run_id, rejects=rejects)
            return UpsertCounts()
        products = await asyncio.to_thread(unpack, data, ProductRecord, leave_out=batch.superseded)
        if not products:
            return UpsertCounts()
        return await self._brain.upsert_products(run.tenant_id, products, run_id=run.run_id)
