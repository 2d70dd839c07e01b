"""Feeds become changes: read and mapped in one thread, compared and packed in another."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np
import polars as pl

from contextworker.brain import Brain, FeedState, SupplierState
from contextworker.core.objects import ObjectStore
from contextworker.harvest.batches import Batch, Batcher, Manifest, pack, pack_numbers
from contextworker.harvest.changes import Comparison, Known, Plan
from contextworker.harvest.gathering import Gathering, Packed
from contextworker.harvest.guards import check_rejects, check_removals
from contextworker.harvest.messages import Feed, FetchedFeeds, HarvestRun, TransformedFeeds
from contextworker.harvest.objects import run_prefix
from contextworker.harvest.reading import FeedReading
from contextworker.harvest.replay import Replay
from contextworker.harvest.rows.mapped import Mapped
from contextworker.harvest.suppliers import Supplier
from contextworker.harvest.suppliers.labels import config_digest, source_labels

_SKUS_AT_ONCE = 10_000

OnRows = Callable[[int], None]


class Transformer:
    """Turns what one run has to read into what it has to store."""

    def __init__(
        self, brain: Brain, store: ObjectStore, supplier: Supplier, run: HarvestRun
    ) -> None:
        self._brain = brain
        self._store = store
        self._supplier = supplier
        self._run = run
        self._prefix = run_prefix(run)
        self._batches: dict[str, list[Batch]] = {}

    async def transform(
        self, fetched: FetchedFeeds, *, batch_rows: int, on_rows: OnRows
    ) -> TransformedFeeds:
        """Store every batch of what changes, and the manifest.

        Args:
            fetched: The feeds, read in this order: of two rows with one sku the later one stays.
            batch_rows: Products in a batch.
            on_rows: Called with the rows done so far.

        Raises:
            FeedError: A feed cannot be read or has no rows, or what it says must not be stored.
        """
        comparison = Comparison(await Known.load(self._known()))
        replay = self._run.replay_run_id is not None
        gathering = Gathering(comparison, batch_rows=batch_rows, keeps_rejects=not replay)
        if replay:
            is_whole, state, warnings = False, None, await self._replay(gathering, on_rows)
        else:
            is_whole, state, warnings = await self._read_all(fetched, gathering, on_rows)
        await self._put(await asyncio.to_thread(gathering.rest))
        plan = await asyncio.to_thread(comparison.finish, is_whole=is_whole)
        if not replay:
            check_rejects(gathering)
            check_removals(plan, self._supplier, accepted=self._run.accept_removals)
        if plan.removed:
            await self._put_skus("removed", comparison.gone)
        if not is_whole and plan.unchanged:
            await self._put_skus("seen", comparison.unchanged)
        manifest = Manifest(
            **{
                holds: tuple(batches)
                for holds, batches in self._batches.items()
                if holds != "products"
            },
            products=await self._without_superseded(plan),
            resolves=self._run.replay_run_id,
            state=state,
        )
        return TransformedFeeds(
            run=self._run,
            manifest=await self._store.put(
                manifest.model_dump_json().encode(), prefix=self._prefix
            ),
            rows=gathering.rows,
            inserted=plan.inserted,
            updated=plan.updated,
            returned=plan.returned,
            unchanged=plan.unchanged,
            removed=plan.removed,
            duplicates=plan.duplicates,
            filtered=gathering.filtered,
            rejected_by_reason=dict(sorted(gathering.rejected.items())),
            warnings=warnings,
        )

    def _known(self) -> AsyncIterator[pl.DataFrame]:
        return self._brain.known_products(self._run.tenant_id, dealer_code=self._run.supplier_code)

    async def _read_all(
        self, fetched: FetchedFeeds, gathering: Gathering, on_rows: OnRows
    ) -> tuple[bool, SupplierState, tuple[str, ...]]:
        modes = dict(
            zip(
                source_labels(self._supplier),
                (source.mode for source in self._supplier.sources),
                strict=True,
            )
        )
        before = await self._brain.supplier_state(
            self._run.tenant_id, dealer_code=self._run.supplier_code
        )
        previous = {state.source: state for state in before.feeds} if before else {}
        is_whole = True
        states: list[FeedState] = []
        warnings: list[str] = []
        for feed in fetched.feeds:
            reading = FeedReading(self._supplier, feed, previous.get(feed.source))
            async with self._store.local_copy(feed.raw) as path:
                await self._gather(reading.read(path), gathering, on_rows)
            partial = reading.is_partial or modes.get(feed.source) == "partial"
            is_whole = is_whole and not partial
            warnings += reading.warnings
            states.append(_feed_state(feed, reading.columns))
        state = SupplierState(
            dealer_code=self._run.supplier_code,
            run_id=self._run.run_id,
            config_digest=config_digest(self._supplier),
            is_whole=is_whole,
            feeds=tuple(states),
        )
        return is_whole, state, tuple(warnings)

    async def _gather(
        self, source: Iterator[Mapped], gathering: Gathering, on_rows: OnRows
    ) -> None:
        """Map the next rows while the last ones are compared, packed and put away."""
        loop = asyncio.get_running_loop()
        # Not `with`: waiting for the thread would hold up the loop when this is cancelled.
        reader = ThreadPoolExecutor(1, thread_name_prefix="read")
        said_of = copy_context()  # whose run it is: a thread of a pool knows nothing of it

        def following() -> Mapped | None:
            return next(source, None)

        try:
            coming = loop.run_in_executor(reader, said_of.run, following)
            while (mapped := await coming) is not None:
                coming = loop.run_in_executor(reader, said_of.run, following)
                await self._put(await asyncio.to_thread(gathering.take, mapped))
                on_rows(gathering.rows)
        finally:
            reader.shutdown(wait=False, cancel_futures=True)

    async def _replay(self, gathering: Gathering, on_rows: OnRows) -> tuple[str, ...]:
        replay = Replay(self._brain, self._store, self._supplier, self._run)
        async for mapped, resolved in replay.pages():
            await self._put(await asyncio.to_thread(gathering.take, mapped))
            if resolved.height:
                await self._put([Packed("resolved", pack(resolved), resolved.height)])
            on_rows(gathering.rows)
        return replay.warnings

    async def _put(self, batches: list[Packed]) -> None:
        for packed in batches:
            reference = await self._store.put(packed.data, prefix=self._prefix)
            batch = Batch(ref=reference, rows=packed.rows)
            self._batches.setdefault(packed.holds, []).append(batch)

    async def _put_skus(self, holds: str, choose: Callable[[pl.DataFrame], pl.Series]) -> None:
        """Look at the known products once more, for what only their skus can name."""
        batcher = Batcher(_SKUS_AT_ONCE)
        async for frame in self._known():
            chosen = await asyncio.to_thread(choose, frame)
            for skus in batcher.add(chosen.to_frame("sku")):
                await self._put([Packed(holds, pack(skus), skus.height)])
        for skus in batcher.rest():
            await self._put([Packed(holds, pack(skus), skus.height)])

    async def _without_superseded(self, plan: Plan) -> tuple[Batch, ...]:
        """Say of each batch of products which rows a later one replaces."""
        batches: list[Batch] = []
        start = 0
        for batch in self._batches.get("products", ()):
            first, end = np.searchsorted(plan.superseded, (start, start + batch.rows))
            if first < end:
                numbers = pack_numbers(plan.superseded[first:end] - np.uint32(start))
                left_out = await self._store.put(numbers, prefix=self._prefix)
                batches.append(batch.model_copy(update={"superseded": left_out}))
            else:
                batches.append(batch)
            start += batch.rows
        return tuple(batches)


def _feed_state(feed: Feed, columns: tuple[str, ...]) -> FeedState:
    return FeedState(
        source=feed.source,
        etag=feed.etag,
        last_modified=feed.last_modified,
        digest=feed.raw.sha256,
        size=feed.raw.size,
        key=feed.raw.key,
        columns=columns,
    )
