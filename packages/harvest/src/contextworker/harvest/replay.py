"""The rejects of a run, tried again by today's supplier file."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import groupby

import polars as pl

from contextworker.brain import Brain, Reject, RejectRecord, RunRecord, RunStatus
from contextworker.brain.frames import PRODUCT_SCHEMA
from contextworker.core.errors import InvalidInputError
from contextworker.core.messages import ObjectRef
from contextworker.core.objects import ObjectStore
from contextworker.harvest.feeds.blocks import RawRow
from contextworker.harvest.feeds.detect import detect
from contextworker.harvest.messages import REPLAY_SUFFIX, FeedFormat, HarvestRun
from contextworker.harvest.rows.mapped import Mapped
from contextworker.harvest.rows.mapper import ProductMapper
from contextworker.harvest.rows.mapping import SOURCE_LENGTH
from contextworker.harvest.rows.raw import is_replayable
from contextworker.harvest.suppliers import Source, Supplier, mapping_for
from contextworker.harvest.suppliers.labels import file_name, source_labels

_PAGE = 1_000
_RESOLVED_SCHEMA = pl.Schema({"source": pl.String(), "row_number": pl.Int64()})


async def check_replay(brain: Brain, run: HarvestRun) -> None:
    """Refuse to replay what is older than what is stored.

    Raises:
        InvalidInputError: The run is unknown, another supplier's, not over, or a later harvest of
            the supplier is complete.
    """
    later: RunRecord | None = None
    after = None
    while page := await brain.list_runs(
        run.tenant_id, supplier_code=run.supplier_code, limit=_PAGE, after=after
    ):
        for record in page:
            if record.run_id == run.replay_run_id:
                return _check_found(record, later)
            if record.status is RunStatus.COMPLETED and not record.run_id.endswith(REPLAY_SUFFIX):
                later = later or record
        after = page[-1].run_id
    raise InvalidInputError(
        f"the supplier {run.supplier_code} has no run {run.replay_run_id!r}; "
        f"look at its runs: contextworker brain runs"
    )


def _check_found(record: RunRecord, later: RunRecord | None) -> None:
    if later is not None:
        raise InvalidInputError(
            f"the rejects of run {record.run_id} cannot be replayed: their rows are older than "
            f"what a later harvest has stored; replay that one instead: {later.run_id}"
        )
    if record.status is RunStatus.RUNNING:
        raise InvalidInputError(
            f"the rejects of run {record.run_id} cannot be replayed yet: it has not ended"
        )


class Replay:
    """Maps the rejects that no run has made a product of yet."""

    def __init__(
        self, brain: Brain, store: ObjectStore, supplier: Supplier, run: HarvestRun
    ) -> None:
        self._brain = brain
        self._store = store
        self._supplier = supplier
        self._run = run
        self._mappers: dict[str, ProductMapper | None] = {}
        self._untried = 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not even be tried."""
        if not self._untried:
            return ()
        sentence = (
            f"{self._untried:,} rejects could not be tried again: their rows are broken, too "
            "large to be kept whole, or of a source that the supplier file no longer has"
        )
        return (sentence,)

    async def pages(self) -> AsyncIterator[tuple[Mapped, pl.DataFrame]]:
        """Yield rejects, mapped, with the (source, row_number) of those that are none any more."""
        after = None
        while page := await self._brain.list_rejects(
            self._run.tenant_id,
            run_id=self._run.replay_run_id,
            unresolved=True,
            limit=_PAGE,
            after=after,
        ):
            for source, rejects in groupby(page, key=lambda reject: reject.source):
                yield await self._again(source, list(rejects))
            after = page[-1].cursor

    async def _again(self, source: str, rejects: list[Reject]) -> tuple[Mapped, pl.DataFrame]:
        mapper = await self._mapper(source)
        tried = [
            reject
            for reject in rejects
            if mapper is not None and is_replayable(reject.reason_code, reject.raw)
        ]
        self._untried += len(rejects) - len(tried)
        if mapper is None or not tried:
            return _unchanged(rejects), pl.DataFrame(schema=_RESOLVED_SCHEMA)
        rows = [RawRow(reject.row_number, reject.raw) for reject in tried]
        mapped = await asyncio.to_thread(mapper.map_rows, rows)
        remaining = {reject.row_number for reject in mapped.rejects}
        resolved = [
            (source, reject.row_number) for reject in tried if reject.row_number not in remaining
        ]
        numbers = {row.number for row in rows}
        others = [reject for reject in rejects if reject.row_number not in numbers]
        every = replace(mapped, rejects=(*mapped.rejects, *_unchanged(others).rejects))
        return every, pl.DataFrame(resolved, schema=_RESOLVED_SCHEMA, orient="row")

    async def _mapper(self, label: str) -> ProductMapper | None:
        """Return the mapper of a source, by its name among the rejects."""
        if label not in self._mappers:
            self._mappers[label] = await self._new_mapper(label)
        return self._mappers[label]

    async def _new_mapper(self, label: str) -> ProductMapper | None:
        labels = [known[:SOURCE_LENGTH] for known in source_labels(self._supplier)]
        if label not in labels:
            return None
        source = self._supplier.sources[labels.index(label)]
        feed_format = source.format or await self._stored_format(source, label)
        return ProductMapper(self._supplier, label, mapping_for(self._supplier, feed_format))

    async def _stored_format(self, source: Source, label: str) -> FeedFormat:
        """Look at the feed itself: it is kept until the next harvest."""
        state = await self._brain.supplier_state(
            self._run.tenant_id, dealer_code=self._run.supplier_code
        )
        feeds = state.feeds if state else ()
        feed = next(feed for feed in feeds if feed.source[:SOURCE_LENGTH] == label)
        reference = ObjectRef(key=feed.key, size=feed.size)
        async with self._store.local_copy(reference) as path:
            found = await asyncio.to_thread(
                detect, path, name=file_name(source), content_type="", source=source
            )
        return found.format


def _unchanged(rejects: Sequence[Reject]) -> Mapped:
    """Return rejects as what they are: rejects."""
    records = tuple(
        RejectRecord.model_validate(reject.model_dump(include=set(RejectRecord.model_fields)))
        for reject in rejects
    )
    return Mapped(pl.DataFrame(schema=PRODUCT_SCHEMA), rejects=records)
