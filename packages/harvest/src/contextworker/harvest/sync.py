"""What changed is stored in the Brain: a few batches at a time, each one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from contextworker.brain import Brain
from contextworker.core.messages import Message
from contextworker.core.objects import ObjectStore
from contextworker.harvest.batches import Batch, Manifest, unpack, unpack_rejects
from contextworker.harvest.messages import HarvestRun, TransformedFeeds

Store = Callable[[Batch], Awaitable[object]]


class SyncCursor(Message):
    """Where a sync stands: the batches before `batch` are stored, and those in `ahead`."""

    batch: int = 0
    ahead: tuple[int, ...] = ()
    rows: int = 0

    def after(self, number: int, rows: int) -> "SyncCursor":
        """Return where it stands once another batch is stored."""
        ahead = {*self.ahead, number}
        batch = self.batch
        while batch in ahead:
            ahead.remove(batch)
            batch += 1
        return SyncCursor(batch=batch, ahead=tuple(sorted(ahead)), rows=self.rows + rows)


class Synchronizer:
    """Stores what a manifest names. Storing a batch again changes nothing."""

    def __init__(self, brain: Brain, store: ObjectStore, run: HarvestRun) -> None:
        self._brain = brain
        self._store = store
        self._run = run
        self._resolves = ""

    async def sync(
        self,
        transformed: TransformedFeeds,
        cursor: SyncCursor,
        *,
        parallel: int,
        on_batch: Callable[[SyncCursor], None],
    ) -> None:
        """Store every batch from the cursor on.

        Args:
            transformed: Names the manifest.
            cursor: Where an earlier attempt stopped, or the start.
            parallel: Batches stored at once.
            on_batch: Called with the new cursor after each batch.
        """
        manifest = Manifest.model_validate_json(await self._store.get(transformed.manifest))
        self._resolves = manifest.resolves or ""
        start = 0
        for batches, store in self._phases(manifest):
            numbered = enumerate(batches, start)
            left = (
                (number, batch)
                for number, batch in numbered
                if number >= cursor.batch and number not in cursor.ahead
            )

            async def work(store: Store = store, left: Iterator[tuple[int, Batch]] = left) -> None:
                nonlocal cursor
                for number, batch in left:
                    await store(batch)
                    cursor = cursor.after(number, batch.rows)
                    on_batch(cursor)

            await _all_or_first_failure(work, parallel)
            start += len(batches)
        if manifest.state is not None:
            await self._brain.record_supplier(self._run.tenant_id, manifest.state)

    def _phases(self, manifest: Manifest) -> Iterator[tuple[Sequence[Batch], Store]]:
        """Yield what is stored when: what is said of products comes after the products."""
        yield manifest.products, self._products
        yield manifest.rejects, self._rejects
        yield manifest.removed, self._removed
        yield manifest.seen, self._seen
        yield manifest.resolved, self._resolved

    async def _products(self, batch: Batch) -> None:
        data = await self._store.get(batch.ref)
        left_out = await self._store.get(batch.superseded) if batch.superseded else b""
        products = await asyncio.to_thread(unpack, data, left_out)
        if products.height:
            await self._brain.store_products(
                self._run.tenant_id,
                products,
                dealer_code=self._run.supplier_code,
                run_id=self._run.run_id,
            )

    async def _rejects(self, batch: Batch) -> None:
        rejects = await asyncio.to_thread(unpack_rejects, await self._store.get(batch.ref))
        await self._brain.record_rejects(
            self._run.tenant_id, run_id=self._run.run_id, rejects=rejects
        )

    async def _removed(self, batch: Batch) -> None:
        await self._brain.remove_products(
            self._run.tenant_id,
            await self._skus(batch),
            dealer_code=self._run.supplier_code,
            run_id=self._run.run_id,
        )

    async def _seen(self, batch: Batch) -> None:
        await self._brain.mark_seen(
            self._run.tenant_id,
            await self._skus(batch),
            dealer_code=self._run.supplier_code,
            run_id=self._run.run_id,
        )

    async def _resolved(self, batch: Batch) -> None:
        rows = unpack(await self._store.get(batch.ref))
        await self._brain.resolve_rejects(
            self._run.tenant_id,
            run_id=self._resolves,
            rows=rows.rows(),
            resolved_run_id=self._run.run_id,
        )

    async def _skus(self, batch: Batch) -> list[str]:
        return unpack(await self._store.get(batch.ref))["sku"].to_list()


async def _all_or_first_failure(work: Callable[[], Awaitable[None]], parallel: int) -> None:
    """Run the same work side by side; the first failure stops all of it and is raised."""
    workers = [asyncio.ensure_future(work()) for _ in range(parallel)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        # What is being written ends first: nothing is when this returns.
        await asyncio.gather(*workers, return_exceptions=True)
