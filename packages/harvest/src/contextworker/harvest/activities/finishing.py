"""The end of a run: what the Brain remembers of it, and what the object store forgets."""

from contextworker.brain import Brain, RunStatus, SupplierState, UpsertCounts
from contextworker.core.objects import ObjectStore
from contextworker.harvest.messages import FetchedFeeds, HarvestEnd, HarvestRun, HarvestStatus
from contextworker.harvest.objects import drop_run, keep_latest


async def finish(brain: Brain, store: ObjectStore, end: HarvestEnd) -> None:
    """Record the end of a run, then delete the objects that nobody needs any more."""
    run, report = end.run, end.report
    state = await brain.supplier_state(run.tenant_id, dealer_code=run.supplier_code)
    if end.status is HarvestStatus.NOT_MODIFIED and state is not None and end.fetched is not None:
        state = await _seen_again(brain, run, state, end.fetched)
    counts = UpsertCounts()
    if report is not None:
        counts = UpsertCounts(
            inserted=report.inserted, updated=report.updated, unchanged=report.unchanged
        )
    await brain.finish_run(
        run.tenant_id,
        run_id=run.run_id,
        status=RunStatus(end.status.value),
        counts=counts,
        removed=report.removed if report is not None else 0,
        rejected=report.rejected if report is not None else 0,
        error=end.error,
    )
    if end.error is None and run.replay_run_id is None:
        await keep_latest(store, run, state)
    else:
        await drop_run(store, run, end.fetched, state)


async def _seen_again(
    brain: Brain, run: HarvestRun, state: SupplierState, fetched: FetchedFeeds
) -> SupplierState:
    """Note that the feeds are as they were, with what their servers say of them now."""
    now = {feed.source: feed for feed in fetched.feeds}
    feeds = tuple(
        known.model_copy(
            update={
                "etag": now[known.source].etag,
                "last_modified": now[known.source].last_modified,
                "key": now[known.source].raw.key,
            }
        )
        for known in state.feeds
        if known.source in now
    )
    state = state.model_copy(update={"run_id": run.run_id, "feeds": feeds})
    await brain.record_supplier(run.tenant_id, state)
    return state
