"""Where a harvest's objects are, and which of them are still needed."""

import hashlib

from contextworker.brain import SupplierState
from contextworker.core.objects import ObjectStore
from contextworker.harvest.messages import FetchedFeeds, HarvestRun

_NAME_LENGTH = 32


def supplier_prefix(run: HarvestRun) -> str:
    """Return where everything of the run's supplier is."""
    return f"{run.tenant_id}/harvest/{run.supplier_code}"


def feed_prefix(run: HarvestRun) -> str:
    """Return where a supplier's feeds are: runs share one that stays the same."""
    return f"{supplier_prefix(run)}/feeds"


def run_prefix(run: HarvestRun) -> str:
    """Return where the run keeps what nobody needs after it."""
    name = hashlib.sha256(run.run_id.encode()).hexdigest()[:_NAME_LENGTH]
    return f"{supplier_prefix(run)}/runs/{name}"


async def keep_latest(store: ObjectStore, run: HarvestRun, state: SupplierState | None) -> None:
    """Delete everything of a supplier but the feeds of its latest completed harvest."""
    await store.delete_all(run_prefix(run))  # with its folder
    await store.delete_all(supplier_prefix(run), but=_needed(state))


async def drop_run(
    store: ObjectStore, run: HarvestRun, fetched: FetchedFeeds | None, state: SupplierState | None
) -> None:
    """Delete what a run left that did not complete."""
    await store.delete_all(run_prefix(run))
    brought = {feed.raw.key for feed in fetched.feeds} if fetched else set()
    await store.delete(brought - _needed(state))


def _needed(state: SupplierState | None) -> set[str]:
    return {feed.key for feed in state.feeds} if state else set()
