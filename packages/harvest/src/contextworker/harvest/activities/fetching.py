"""Fetching: what changed since the last harvest comes into the object store."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from contextworker.brain import Brain, FeedState, RunStatus, SupplierState
from contextworker.core.messages import ObjectRef
from contextworker.core.objects import ObjectStore
from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.detect import Detected, detect
from contextworker.harvest.feeds.fetch import Fetched, Fetcher
from contextworker.harvest.feeds.formats import WORKBOOKS, check_workbook
from contextworker.harvest.messages import Feed, FetchedFeeds, HarvestRun
from contextworker.harvest.objects import feed_prefix
from contextworker.harvest.suppliers import Source, Supplier
from contextworker.harvest.suppliers.labels import config_digest, file_name, source_labels

OnFeeds = Callable[[list[Feed], int, int | None], None]
"""Called with the feeds fetched so far, and the bytes had and expected of the one on its way."""

_UNTOUCHED = frozenset({RunStatus.COMPLETED, RunStatus.NOT_MODIFIED})


class Fetching:
    """Fetches one supplier's sources for one run."""

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        store: ObjectStore,
        brain: Brain,
        supplier: Supplier,
        run: HarvestRun,
        max_workbook_bytes: int,
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._brain = brain
        self._supplier = supplier
        self._run = run
        self._max_workbook_bytes = max_workbook_bytes
        self._labels = source_labels(supplier)

    async def fetch(self, feeds: list[Feed], on_feeds: OnFeeds) -> FetchedFeeds:
        """Fetch every source; `feeds` are those that an earlier attempt had already.

        Raises:
            FeedError: A source is not there, not for us, too large, or of no known format.
            FeedUnavailableError: A server was in the way; later may be better.
        """
        if [feed.source for feed in feeds] != self._labels[: len(feeds)]:
            feeds = []  # the supplier's file has changed
        state = await self._brain.supplier_state(
            self._run.tenant_id, dealer_code=self._run.supplier_code
        )
        known = {feed.source: feed for feed in state.feeds} if state else {}
        # A server that has nothing new may still be asked for something else now: another member
        # of its archive, another query, another login.
        is_asked_alike = state is not None and state.config_digest == config_digest(self._supplier)
        for label in self._labels[len(feeds) :]:
            before = known.get(label) if is_asked_alike else None
            feed = await self._fetch(label, before, feeds, on_feeds)
            feeds.append(feed)
            on_feeds(feeds, feed.raw.size, feed.raw.size)
        same = all(
            (before := known.get(feed.source)) is not None and before.digest == feed.raw.sha256
            for feed in feeds
        )
        not_modified = state is not None and same and await self._still_stands(state)
        return FetchedFeeds(run=self._run, feeds=tuple(feeds), not_modified=not_modified)

    async def _still_stands(self, state: SupplierState) -> bool:
        """Tell whether the Brain still has what the last completed harvest made of the feeds.

        Not where the supplier's file has changed since, or another run may have stored a part.
        """
        if state.config_digest != config_digest(self._supplier):
            return False
        runs = await self._brain.list_runs(
            self._run.tenant_id, supplier_code=self._run.supplier_code, limit=2
        )
        others = [record for record in runs if record.run_id != self._run.run_id]
        return bool(others) and others[0].status in _UNTOUCHED

    async def _fetch(
        self, label: str, known: FeedState | None, fetched: list[Feed], on_feeds: OnFeeds
    ) -> Feed:
        # What the server calls unmodified must still be here, or it could not be read.
        if known is not None and not await self._store.has(_reference(known)):
            known = None
        source = self._supplier.sources[self._labels.index(label)]
        with tempfile.TemporaryDirectory(prefix="contextworker-harvest-") as folder:
            got = await self._fetcher.fetch(
                source, Path(folder), known, lambda done, total: on_feeds(fetched, done, total)
            )
            if isinstance(got, Fetched):
                return await self._keep(label, source, got)
            if known is None:
                raise FeedError(f"the server of {label} calls a feed unmodified that it never sent")
            return await self._kept(label, source, known)

    async def _keep(self, label: str, source: Source, got: Fetched) -> Feed:
        found = await asyncio.to_thread(
            detect, got.path, name=got.name, content_type=got.content_type, source=source
        )
        if found.format in WORKBOOKS:
            await asyncio.to_thread(
                check_workbook, got.path, source=label, max_bytes=self._max_workbook_bytes
            )
        raw = await self._store.put_file(got.path, prefix=feed_prefix(self._run))
        return _feed(label, source, found, raw, got)

    async def _kept(self, label: str, source: Source, known: FeedState) -> Feed:
        """Describe a feed that is here already."""
        raw = _reference(known)
        async with self._store.local_copy(raw) as path:
            found = await asyncio.to_thread(
                detect, path, name=file_name(source), content_type="", source=source
            )
        return _feed(label, source, found, raw, known)


def _feed(
    label: str, source: Source, found: Detected, raw: ObjectRef, version: Fetched | FeedState
) -> Feed:
    return Feed(
        source=label,
        format=found.format,
        encoding=found.encoding,
        delimiter=found.delimiter,
        sheet=source.sheet,
        items=source.items,
        raw=raw,
        etag=version.etag,
        last_modified=version.last_modified,
        guesses=found.guesses,
    )


def _reference(known: FeedState) -> ObjectRef:
    return ObjectRef(key=known.key, size=known.size)
