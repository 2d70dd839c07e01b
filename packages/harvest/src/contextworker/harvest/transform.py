"""Feeds become batches: parsing in a thread of its own, storing on the event loop."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contextworker.brain import ProductRecord
from contextworker.core.objects import ObjectStore
from contextworker.harvest.batches import Batcher, Manifest, Packed, ProductBatch, RejectBatch
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.blocks import Block
from contextworker.harvest.feeds.formats import READERS
from contextworker.harvest.messages import Feed, FetchedFeeds, TransformedFeeds
from contextworker.harvest.rows.mapping import RowMapper
from contextworker.harvest.suppliers import Supplier


class Transformer:
    """Turns the feeds of one run into batches; memory holds one batch at a time."""

    def __init__(
        self, store: ObjectStore, supplier: Supplier, *, prefix: str, batch_rows: int
    ) -> None:
        self._store = store
        self._supplier = supplier
        self._prefix = prefix
        self._batcher = Batcher(batch_rows)
        self._products: list[ProductBatch] = []
        self._rejects: list[RejectBatch] = []

    async def transform(
        self, fetched: FetchedFeeds, on_rows: Callable[[int], None]
    ) -> TransformedFeeds:
        """Store every batch and the manifest.

        Args:
            fetched: The feeds, read in this order: of two rows with one sku the later one stays.
            on_rows: Called after each batch with the rows done so far.

        Raises:
            FeedError: A feed cannot be read, or has no rows.
        """
        for feed in fetched.feeds:
            async with self._store.local_copy(feed.raw) as path:
                before = self._batcher.rows
                await self._store_all(self._pack(feed, path), on_rows)
                if self._batcher.rows == before:
                    raise FeedError(
                        f"the feed {feed.source} has a header but no rows; "
                        "ask the supplier for a new export"
                    )
        await self._store_all(self._batcher.rest(), on_rows)
        superseded = await asyncio.to_thread(self._batcher.superseded)
        manifest = Manifest(
            products=tuple(
                batch.model_copy(update={"superseded": superseded.get(number, ())})
                for number, batch in enumerate(self._products)
            ),
            rejects=tuple(self._rejects),
        )
        data = manifest.model_dump_json().encode()
        duplicates = sum(len(lines) for lines in superseded.values())
        return TransformedFeeds(
            run=fetched.run,
            manifest=await self._store.put(data, prefix=self._prefix),
            rows=self._batcher.rows,
            products=len(self._batcher.skus) - duplicates,
            duplicates=duplicates,
            rejected_by_reason=dict(sorted(self._batcher.rejected_by_reason.items())),
        )

    def _pack(self, feed: Feed, path: Path) -> Iterator[Packed]:
        mapper = RowMapper(self._supplier, source=feed.source)
        rows = (
            row
            for read in READERS[feed.format](path, feed)
            for row in (read.rows() if isinstance(read, Block) else (read,))
        )
        return self._batcher.pack(map(mapper.map, rows))

    async def _store_all(self, batches: Iterator[Packed], on_rows: Callable[[int], None]) -> None:
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="transform")
        try:
            while packed := await loop.run_in_executor(thread, next, batches, None):
                reference = await self._store.put(packed.data, prefix=self._prefix)
                if packed.kind is ProductRecord:
                    self._products.append(ProductBatch(ref=reference, rows=packed.rows))
                else:
                    self._rejects.append(RejectBatch(ref=reference, rows=packed.rows))
                on_rows(self._batcher.rows)
        finally:
            thread.shutdown(wait=False)  # waiting would hold up the loop when this is cancelled
