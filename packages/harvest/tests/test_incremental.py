"""Second harvests: what did not change is not written, and nothing disappears by accident."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from contextworker.brain import Brain, RunStatus, product_id
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.harvest.messages import HarvestReport, HarvestStatus
from contextworker.harvest.module import module

HEADER = "sku,name,price,stock"
MAPPING = '[mapping]\nsku = "sku"\nname = "name"\n'
PATIENT = "[retry]\ninitial_interval_s = 3600\n"


def csv(*rows: str) -> str:
    """Make a feed."""
    return "\n".join([HEADER, *rows, ""])


def goods(*numbers: int) -> list[str]:
    """Make rows."""
    return [f"s-{number},Product {number},{number}.50,1" for number in numbers]


def counts(report: HarvestReport) -> tuple[int, int, int, int, int]:
    """Return what a harvest did, and check that every row is counted."""
    assert report.rows == sum(
        (
            report.inserted,
            report.updated,
            report.unchanged,
            report.rejected,
            report.duplicates,
            report.filtered,
        )
    )
    return (report.inserted, report.updated, report.returned, report.unchanged, report.removed)


async def listed(brain: Brain, tenant_id: str) -> dict[str, bool]:
    """Return each sku, and whether it is listed."""
    known = [
        sku
        async for frame in brain.known_products(tenant_id, dealer_code="camp")
        for sku in frame["sku"]
    ]
    ids = [product_id(tenant_id, "camp", sku) for sku in known]
    products = await brain.get_products(tenant_id, ids)
    return {product.sku: product.removed_at is None for product in products}


def objects_of(environment: dict[str, str]) -> list[Path]:
    """Return the files in the object store."""
    root = Path(environment["CONTEXTWORKER_STORE_URL"].removeprefix("file://"))
    return [path for path in root.rglob("*") if path.is_file()]


async def test_unmodified_feed(
    harvests: Any, brain: Brain, suppliers: Any, web: Any, record_history: RecordHistory
) -> None:
    """A server that says 304 ends the harvest: nothing is read or written, but all was seen."""
    body = csv(*goods(1, 2))

    def handle(request: Any) -> None:
        if request.headers.get("If-None-Match") == '"v1"':
            request.send_response(304)
            request.end_headers()
            return
        request.send_response(200)
        request.send_header("ETag", '"v1"')
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body.encode())

    web.paths["/feed.csv"] = handle
    suppliers.write("camp", web.url("/feed.csv"))
    await harvests.report("camp")
    before = await brain.list_products(harvests.tenant_id)
    for _ in range(2):
        report = await harvests.report("camp")
        assert HarvestStatus.NOT_MODIFIED is report.status
        assert (0, 0, 0, 0, 0) == counts(report)
    assert {"start_harvest": 1, "fetch_products": 1, "finish_harvest": 1} == (
        await harvests.attempts("camp")
    )
    after = await brain.list_products(harvests.tenant_id)
    assert [product.updated_at for product in before] == [product.updated_at for product in after]
    assert all(old.last_seen_at < new.last_seen_at for old, new in zip(before, after, strict=True))
    runs = await brain.list_runs(harvests.tenant_id)
    assert [RunStatus.NOT_MODIFIED, RunStatus.NOT_MODIFIED, RunStatus.COMPLETED] == [
        run.status for run in runs
    ]
    await record_history(harvests.handle("camp"), module, "not-modified")


async def test_other_member_of_an_unmodified_archive(
    harvests: Any, brain: Brain, suppliers: Any, web: Any
) -> None:
    """A server knows nothing of the file that is taken out of its archive: another one is."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("one.csv", csv(*goods(1)))
        archive.writestr("two.csv", csv(*goods(2)))
    url = web.answer("/feed.zip", body.getvalue(), headers={"ETag": '"v1"'})
    suppliers.write("camp", url, source='member = "one.csv"')
    await harvests.report("camp")
    whole = web.paths["/feed.zip"]
    web.answer("/unmodified", status=304)

    def handle(request: Any) -> None:
        asked = request.headers.get("If-None-Match") == '"v1"'
        (web.paths["/unmodified"] if asked else whole)(request)

    web.paths["/feed.zip"] = handle
    assert HarvestStatus.NOT_MODIFIED is (await harvests.report("camp")).status
    suppliers.write("camp", url, source='member = "two.csv"\nmode = "partial"')
    assert (1, 0, 0, 0, 0) == counts(await harvests.report("camp"))
    assert {"s-1", "s-2"} == set(await listed(brain, harvests.tenant_id))


async def test_same_bytes(harvests: Any, suppliers: Any) -> None:
    """Bytes that are what they were end the harvest, unless the supplier's file has changed."""
    suppliers.csv("camp", 3)
    await harvests.report("camp")
    assert HarvestStatus.NOT_MODIFIED is (await harvests.report("camp")).status
    text = (suppliers.folder / "camp.toml").read_text()
    (suppliers.folder / "camp.toml").write_text(text.replace('quantity = "stock"', ""))
    report = await harvests.report("camp")
    assert (HarvestStatus.COMPLETED, 3) == (report.status, report.updated)


async def test_after_a_failure_everything_is_compared(harvests: Any, suppliers: Any) -> None:
    """A failed harvest may have stored a part: the old feed coming back is no reason to rest."""
    suppliers.csv("camp", 3)
    good = (suppliers.folder / "camp.csv").read_text()
    await harvests.report("camp")
    suppliers.feed("camp.csv", HEADER)
    await harvests.failure("camp")
    suppliers.feed("camp.csv", good)
    report = await harvests.report("camp")
    assert (HarvestStatus.COMPLETED, (0, 0, 0, 3, 0)) == (report.status, counts(report))


async def test_one_modified_source_of_two(harvests: Any, suppliers: Any, web: Any) -> None:
    """The unmodified source is read from the object store: its products are not gone."""
    body = csv(*goods(1))
    web.answer("/one.csv", body, headers={"ETag": '"v1"', "Content-Length": str(len(body))})
    two = web.answer("/two.csv", csv(*goods(2)))
    suppliers.write("camp", web.url("/one.csv"), source=f'[[sources]]\nurl = "{two}"')
    assert 2 == (await harvests.report("camp")).inserted
    web.answer("/one.csv", status=304)
    web.answer("/two.csv", csv(*goods(2, 3)))
    assert (1, 0, 0, 2, 0) == counts(await harvests.report("camp"))


async def test_only_changes_are_written(harvests: Any, brain: Brain, suppliers: Any) -> None:
    """Of 300 products the three that changed are stored, and no other is touched."""
    suppliers.feed("camp.csv", csv(*goods(*range(300))))
    suppliers.write("camp", "camp.csv")
    await harvests.report("camp")
    before = {item.sku: item for item in await brain.list_products(harvests.tenant_id, limit=999)}
    rows = goods(*range(300))
    for number in (7, 130, 299):
        rows[number] = rows[number].replace(".50,", ".75,")
    suppliers.feed("camp.csv", csv(*rows))
    assert (0, 3, 0, 297, 0) == counts(await harvests.report("camp"))
    after = {item.sku: item for item in await brain.list_products(harvests.tenant_id, limit=999)}
    assert {"s-7", "s-130", "s-299"} == {
        sku for sku, item in after.items() if item.updated_at != before[sku].updated_at
    }


async def test_removed_and_returned(harvests: Any, brain: Brain, suppliers: Any) -> None:
    """What a feed lacks is marked removed, and listed again when it comes back."""
    suppliers.write("camp", suppliers.feed("camp.csv", csv(*goods(1, 2, 3))))
    await harvests.report("camp")
    suppliers.feed("camp.csv", csv(*goods(1, 2)))
    assert (0, 0, 0, 2, 1) == counts(await harvests.report("camp"))
    assert {"s-1": True, "s-2": True, "s-3": False} == await listed(brain, harvests.tenant_id)
    suppliers.feed("camp.csv", csv(*goods(3, 1, 2)))
    assert (0, 1, 1, 2, 0) == counts(await harvests.report("camp"))
    assert {"s-1", "s-2", "s-3"} == {
        sku for sku, is_in in (await listed(brain, harvests.tenant_id)).items() if is_in
    }
    entries = await brain.product_history(harvests.tenant_id, sku="s-3")
    assert ["true", "false"] == [entry.new for entry in entries if entry.field == "listed"]


async def test_a_rejected_row_is_present(harvests: Any, brain: Brain, suppliers: Any) -> None:
    """A product whose row cannot be read today keeps what it has; it is not gone."""
    suppliers.write("camp", suppliers.feed("camp.csv", csv(*goods(1, 2, 3))))
    await harvests.report("camp")
    suppliers.feed("camp.csv", csv(*goods(1, 2), "s-3,Product 3,soon,1"))
    report = await harvests.report("camp")
    assert (1, (0, 0, 0, 2, 0)) == (report.rejected, counts(report))
    assert all((await listed(brain, harvests.tenant_id)).values())


async def test_removal_guard(
    harvests: Any, brain: Brain, suppliers: Any, record_history: RecordHistory
) -> None:
    """A feed that lacks most of the catalogue changes nothing, until that is accepted, once."""
    suppliers.write("camp", suppliers.feed("camp.csv", csv(*goods(1, 2, 3, 4, 5))))
    await harvests.report("camp")
    suppliers.feed("camp.csv", csv("s-1,Renamed,1,1"))
    failure = await harvests.failure("camp")
    assert ("RemovalGuardError", True) == (
        failure.type,
        failure.message.startswith("Camp: the feeds lack 4 of the 5 products that are listed"),
    )
    assert "supplier_code=camp accept_removals=true" in failure.message
    await record_history(harvests.handle("camp"), module, "removal-guard")
    products = await brain.list_products(harvests.tenant_id)
    assert {None} == {product.removed_at for product in products}
    assert "Renamed" not in {product.name for product in products}
    assert (0, 1, 0, 0, 4) == counts(await harvests.report("camp", accept_removals=True))
    suppliers.feed("camp.csv", csv("s-9,Other,1,1"))
    assert "RemovalGuardError" == (await harvests.failure("camp")).type


async def test_a_partial_feed_removes_nothing(harvests: Any, brain: Brain, suppliers: Any) -> None:
    """What a partial feed lacks stays, and what it has just so was seen."""
    suppliers.feed("camp.csv", csv(*goods(1, 2, 3)))
    suppliers.write("camp", "camp.csv", source='mode = "partial"')
    await harvests.report("camp")
    before = {item.sku: item for item in await brain.list_products(harvests.tenant_id)}
    suppliers.feed("camp.csv", csv(*goods(2)))
    assert (0, 0, 0, 1, 0) == counts(await harvests.report("camp"))
    after = {item.sku: item for item in await brain.list_products(harvests.tenant_id)}
    assert {"s-2"} == {sku for sku in after if after[sku].last_seen_at != before[sku].last_seen_at}
    assert all((await listed(brain, harvests.tenant_id)).values())


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ("sku,name,salePrice,stock\ns-1,New,1,1\n", "SchemaDriftError", "'salePrice'"),
        (HEADER, "FeedError", "no rows"),
        (csv(",New,1,1"), "FeedError", "every one of the 1 rows was rejected (1 missing_sku)"),
    ],
    ids=["drift", "empty", "rejected"],
)
async def test_what_must_not_be_stored(
    *, harvests: Any, brain: Brain, suppliers: Any, content: str, kind: str, said: str
) -> None:
    """A feed that is not what it was fails before anything is written."""
    suppliers.write("camp", suppliers.feed("camp.csv", csv(*goods(1, 2))))
    await harvests.report("camp")
    before = await brain.list_products(harvests.tenant_id)
    suppliers.feed("camp.csv", content)
    failure = await harvests.failure("camp")
    assert (kind, True) == (failure.type, said in failure.message)
    assert before == await brain.list_products(harvests.tenant_id)


async def test_a_truncated_feed_changes_nothing(
    harvests: Any, brain: Brain, suppliers: Any
) -> None:
    """A feed that ends in its middle fails before anything is written."""
    packed = gzip.compress(csv(*goods(*range(100))).encode())
    suppliers.write("camp", suppliers.feed("camp.csv.gz", packed))
    await harvests.report("camp")
    before = await brain.list_products(harvests.tenant_id)
    suppliers.feed("camp.csv.gz", packed[:-200])
    assert "FeedTruncatedError" == (await harvests.failure("camp")).type
    assert before == await brain.list_products(harvests.tenant_id)


async def test_history_is_short(harvests: Any, suppliers: Any) -> None:
    """A feed of a hundred batches takes as many events as any other: fewer than 60."""
    suppliers.csv("camp", 10_000)
    await harvests.report("camp")
    events = [event async for event in harvests.handle("camp").fetch_history_events()]
    assert 60 > len(events)


async def test_objects_are_cleaned_up(
    harvests: Any, suppliers: Any, environment: dict[str, str]
) -> None:
    """What a run leaves is its supplier's latest feed; a failed one leaves nothing."""
    suppliers.csv("camp", 250)
    await harvests.report("camp")
    (feed,) = objects_of(environment)
    runs = feed.parents[1] / "runs"
    assert [] == list(runs.iterdir())
    assert (suppliers.folder / "camp.csv").read_bytes() == feed.read_bytes()
    latest = feed.read_bytes()
    suppliers.feed("camp.csv", csv(*goods(1)))
    await harvests.failure("camp")
    assert [latest] == [path.read_bytes() for path in objects_of(environment)]
    await harvests.report("camp", accept_removals=True)
    assert [csv(*goods(1)).encode()] == [path.read_bytes() for path in objects_of(environment)]
    assert [] == list(runs.iterdir())


async def test_another_workflow_harvests_the_supplier(
    harvests: Any, client: Client, suppliers: Any, web: Any
) -> None:
    """A schedule's run has an id of its own: while one goes on, the other is refused."""
    # Not tried again in this test: it would find the other supplier file, and end.
    suppliers.write("camp", web.hang("/feed.csv"), rest=MAPPING + PATIENT)
    running = await harvests.start("camp", workflow_id=f"schedule-{harvests.tenant_id}")
    await web.asked()
    suppliers.csv("camp", 1)
    failure = await harvests.failure("camp")
    assert f"is being harvested by schedule-{harvests.tenant_id}" in failure.message
    await running.terminate()
    assert 1 == (await harvests.report("camp")).inserted
