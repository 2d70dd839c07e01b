"""The activities on a real Brain and object store, tried again as Temporal would."""

import asyncio
import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from contextworker.brain import Brain, RunStatus
from contextworker.core.heartbeats import beating
from contextworker.core.messages import Progress
from contextworker.core.objects import ObjectStore
from contextworker.core.testing.metrics import exported_metrics
from contextworker.harvest.activities import Harvester
from contextworker.harvest.batches import Manifest
from contextworker.harvest.errors import FeedError, FeedUnavailableError, SupplierError
from contextworker.harvest.messages import (
    FetchedFeeds,
    HarvestEnd,
    HarvestReport,
    HarvestRun,
    HarvestStatus,
    Retry,
    TransformedFeeds,
)

RETRY = """
[mapping]
sku = "sku"
name = "name"
[retry]
maximum_attempts = 2
"""


class Worker(ActivityEnvironment):
    """Runs activities, keeping their heartbeats."""

    def __init__(self, *details: Any) -> None:
        super().__init__()
        self.info = dataclasses.replace(self.info, heartbeat_details=details)
        self.beats: list[tuple[Any, ...]] = []
        self.on_heartbeat = lambda *beat: self.beats.append(beat)


async def transformed(harvester: Harvester, run: HarvestRun) -> TransformedFeeds:
    """Fetch and transform the run's supplier."""
    fetched: FetchedFeeds = await Worker().run(harvester.fetch_products, run)
    result: TransformedFeeds = await Worker().run(harvester.transform_data, fetched)
    return result


async def test_list_suppliers(harvester: Harvester, suppliers: Any) -> None:
    """Every supplier is listed with how many to harvest at once."""
    suppliers.csv("camp", 1)
    suppliers.csv("alp", 1)
    listed = await Worker().run(harvester.list_suppliers)
    assert (("alp", "camp"), 8) == (listed.codes, listed.parallel)


async def test_start_harvest(
    harvester: Harvester, brain: Brain, suppliers: Any, run: HarvestRun
) -> None:
    """The run is recorded, also of a supplier that does not exist; the retry policy is told."""
    with pytest.raises(SupplierError, match="no supplier 'camp'"):
        await Worker().run(harvester.start_harvest, run)
    (record,) = await brain.list_runs("acme")
    assert ("run-1", RunStatus.RUNNING) == (record.run_id, record.status)
    suppliers.csv("camp", 1, rest=RETRY)
    plan = await Worker().run(harvester.start_harvest, run)
    assert (Retry(maximum_attempts=2), 10) == (plan.retries.fetch, plan.heartbeat_timeout_s)


async def test_fetch_resumes(
    harvester: Harvester, suppliers: Any, run: HarvestRun, web: Any
) -> None:
    """An attempt after a failed one does not fetch again what is there, and gives the same."""
    one = web.answer("/one.csv", "sku,name\na,Tent\n")
    two = web.answer("/two.csv", status=503)
    suppliers.write("camp", one, source=f'[[sources]]\nurl = "{two}"')
    first = Worker()
    with pytest.raises(
        FeedUnavailableError, match=r"^Camp: the server of http://.*two.csv answers"
    ):
        await first.run(harvester.fetch_products, run)
    web.answer("/two.csv", "sku,name\nb,Mat\n")
    second = Worker(*first.beats[-1])
    resumed = await second.run(harvester.fetch_products, run)
    assert ["/one.csv", "/two.csv", "/two.csv"] == web.requests
    assert await Worker().run(harvester.fetch_products, run) == resumed
    assert Progress(stage="fetching", done=15, total=15, unit="bytes") == second.beats[-1][0]


async def test_fetch_starts_over_after_an_edit(
    harvester: Harvester, suppliers: Any, run: HarvestRun, web: Any
) -> None:
    """What an attempt had fetched for another supplier file is not mixed with the new one."""
    one = web.answer("/one.csv", "sku,name\na,Tent\n")
    two = web.answer("/two.csv", status=503)
    suppliers.write("camp", one, source=f'[[sources]]\nurl = "{two}"')
    first = Worker()
    with pytest.raises(FeedUnavailableError):
        await first.run(harvester.fetch_products, run)
    three = web.answer("/three.csv", "sku,name\nc,Mat\n")
    suppliers.write("camp", three)
    fetched = await Worker(*first.beats[-1]).run(harvester.fetch_products, run)
    assert [three] == [feed.source for feed in fetched.feeds]


async def test_sources_alike_are_told_apart(
    harvester: Harvester, brain: Brain, suppliers: Any, run: HarvestRun, web: Any
) -> None:
    """Rejects of two addresses that differ in their hidden part alone do not replace each other."""
    url = web.answer("/feed.csv", "sku,name\n,Tent\na,Mat\n")
    rest = f'[[sources]]\nurl = "{url}?part=2"\n[mapping]\nsku = "sku"\nname = "name"\n'
    suppliers.write("camp", f"{url}?part=1", rest=rest)
    fetched = await Worker().run(harvester.fetch_products, run)
    done = await Worker().run(harvester.transform_data, fetched)
    await Worker().run(harvester.sync_to_brain, done)
    assert [f"{url}?… (source 1)", f"{url}?… (source 2)"] == [
        reject.source for reject in await brain.list_rejects("acme")
    ]


async def test_fetch_looks_at_the_content(
    harvester: Harvester, suppliers: Any, run: HarvestRun, web: Any
) -> None:
    """A login page answered with 200 is not stored as a feed."""
    page = web.answer("/feed.csv", "<!doctype html><title>Log in</title>")
    suppliers.write("camp", page)
    with pytest.raises(FeedError, match=r"^Camp: the feed http://.* is a web page"):
        await Worker().run(harvester.fetch_products, run)


async def test_transform(
    harvester: Harvester, suppliers: Any, run: HarvestRun, objects: ObjectStore
) -> None:
    """Rows become batches of the set size, counted; rows that later ones replace are named."""
    suppliers.csv("camp", 250)
    suppliers.feed("camp.csv", (suppliers.folder / "camp.csv").read_text() + "x,,1,1\ncamp-0,N,1,1")
    worker = Worker()
    fetched = await Worker().run(harvester.fetch_products, run)
    result = await worker.run(harvester.transform_data, fetched)
    assert (252, 250, 1, {"missing_name": 1}) == (
        result.rows,
        result.inserted,
        result.duplicates,
        result.rejected_by_reason,
    )
    manifest = Manifest.model_validate_json(await objects.get(result.manifest))
    assert [(100, True), (100, False), (51, False)] == [
        (batch.rows, batch.superseded is not None) for batch in manifest.products
    ]
    assert result.manifest.key.startswith("acme/harvest/camp/runs/")
    assert await Worker().run(harvester.transform_data, fetched) == result
    assert 252 == worker.beats[-1][0].done


async def test_a_header_alone_is_empty(
    harvester: Harvester, suppliers: Any, run: HarvestRun
) -> None:
    """A feed without rows is an error: an empty catalogue is never what a supplier means."""
    suppliers.csv("camp", 0)
    with pytest.raises(FeedError, match=r"^Camp: the feed file.* has no rows"):
        await transformed(harvester, run)


async def test_sync(harvester: Harvester, brain: Brain, suppliers: Any, run: HarvestRun) -> None:
    """Products and rejects are stored once however often it runs; of a sku the last row."""
    suppliers.feed("camp.csv", "sku,name,price,stock\na,Old,1,1\nb,,1,1\na,New,2.5,1\n")
    suppliers.write("camp", "camp.csv")
    batches = await transformed(harvester, run)
    for _ in range(2):
        await Worker().run(harvester.sync_to_brain, batches)
    (product,) = await brain.list_products("acme")
    assert ("a", "New", Decimal("2.5")) == (product.sku, product.name, product.price_retail)
    assert {"missing_name": 1} == await brain.count_rejects("acme", run_id="run-1")


@pytest.mark.parametrize(
    ("held", "stored"), [("camp-0", 150), ("camp-249", 200)], ids=["first", "last"]
)
async def test_sync_resumes(
    harvester: Harvester,
    brain: Brain,
    suppliers: Any,
    run: HarvestRun,
    monkeypatch: pytest.MonkeyPatch,
    *,
    held: str,
    stored: int,
) -> None:
    """An attempt stores what another had not, whichever batch that is, and reports the whole."""
    suppliers.csv("camp", 250)
    batches = await transformed(harvester, run)
    first = Worker()

    async def hold_one(tenant_id: str, products: Any, **keys: Any) -> Any:
        if held in products["sku"]:
            await asyncio.Event().wait()
        return await store_products(tenant_id, products, **keys)

    def crash_after_two(*beat: Any) -> None:
        first.beats.append(beat)
        if beat[0].done == stored:
            raise ConnectionError("the worker is gone")

    store_products = brain.store_products
    first.on_heartbeat = crash_after_two
    with monkeypatch.context() as patched:
        patched.setattr(brain, "store_products", hold_one)
        with pytest.raises(ConnectionError):
            await first.run(harvester.sync_to_brain, batches)
    progress, cursor = first.beats[-1]
    second = Worker(progress.model_dump(), cursor.model_dump())
    await second.run(harvester.sync_to_brain, batches)
    # The same is told again where storing takes long.
    assert [stored, 250] == list(dict.fromkeys(beat[0].done for beat in second.beats))
    assert 250 == len(await brain.list_products("acme", limit=1000))


async def test_finish(harvester: Harvester, brain: Brain, suppliers: Any, run: HarvestRun) -> None:
    """The end of a run is recorded with its counts; what comes later does not change it."""
    suppliers.csv("camp", 1)
    await Worker().run(harvester.start_harvest, run)
    report = HarvestReport(
        run_id="run-1",
        supplier_code="camp",
        feeds=1,
        rows=9,
        inserted=1,
        updated=2,
        unchanged=3,
        rejected=2,
        rejected_by_reason={"bad_price": 2},
        duplicates=1,
        bytes=10,
        duration_s=1,
    )
    done = HarvestEnd(run=run, status=HarvestStatus.COMPLETED, report=report)
    late = HarvestEnd(run=run, status=HarvestStatus.FAILED, error="late")
    for end in (done, late):
        await Worker().run(harvester.finish_harvest, end)
    (record,) = await brain.list_runs("acme")
    assert (RunStatus.COMPLETED, 1, 2, 3, 2, None) == (
        record.status,
        record.inserted,
        record.updated,
        record.unchanged,
        record.rejected,
        record.error,
    )


async def test_codes_without_a_file_never_become_a_label(
    harvester: Harvester, brain: Brain, suppliers: Any, run: HarvestRun
) -> None:
    """Whoever may start harvests may ask for any: they are counted as one, and have no age."""
    suppliers.csv("camp", 1)
    with exported_metrics() as exported:
        for number, code in enumerate(("camp", "nonsense-1", "nonsense-2")):
            asked = run.model_copy(update={"supplier_code": code, "run_id": f"run-{number}"})
            await brain.start_run("acme", run_id=asked.run_id, workflow_id="w", supplier_code=code)
            end = HarvestEnd(run=asked, status=HarvestStatus.FAILED, error="no file")
            await Worker().run(harvester.finish_harvest, end)

        samples = exported.samples("contextworker_harvest_runs_total", outcome="failed")
    assert {"camp": 1, "unknown": 2} == {own["supplier"]: value for own, value in samples}


async def test_a_quiet_step_still_beats(harvester: Harvester) -> None:
    """While one step takes long, the last progress is told again before the timeout."""
    worker = Worker()
    worker.info = dataclasses.replace(worker.info, heartbeat_timeout=timedelta(seconds=0.04))
    enough = asyncio.Event()

    def count(*beat: Any) -> None:
        worker.beats.append(beat)
        if len(worker.beats) == 4:
            enough.set()

    worker.on_heartbeat = count

    @activity.defn
    async def slow() -> None:
        async with beating(Progress(stage="storing")) as heart:
            heart.beat(Progress(stage="storing", done=7), "cursor")
            await enough.wait()

    await worker.run(slow)
    assert (Progress(stage="storing", done=7), "cursor") == worker.beats[-1]
