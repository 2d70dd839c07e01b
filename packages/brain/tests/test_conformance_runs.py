"""What every store of rejects and runs must do, whatever it is made of."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contextworker.brain import Brain, RejectRecord, RunStatus, SupplierState, UpsertCounts
from contextworker.brain.sql import store
from contextworker.core.errors import InvalidInputError, PermanentError


def reject(row_number: int, source: str = "feed.csv", **fields: Any) -> RejectRecord:
    """Return a reject from the fields that matter."""
    given = {"reason_code": "missing_name", "reason": "Row has no name.", **fields}
    return RejectRecord(source=source, row_number=row_number, **given)


async def test_rejects_repeated(brain: Brain, tenant: str) -> None:
    """Rejects recorded again are the same rejects; the last word on a row wins."""
    await brain.record_rejects(tenant, run_id="1", rejects=[reject(1), reject(2)])
    again = [reject(2, reason_code="bad_price", reason="Цена?"), reject(3)]
    await brain.record_rejects(tenant, run_id="1", rejects=again)
    found = await brain.list_rejects(tenant, run_id="1")
    assert [(1, "Row has no name."), (2, "Цена?"), (3, "Row has no name.")] == [
        (item.row_number, item.reason) for item in found
    ]
    assert {"missing_name": 2, "bad_price": 1} == await brain.count_rejects(tenant, run_id="1")


async def test_rejects_repeated_in_a_call(brain: Brain, tenant: str) -> None:
    """A row given twice in one call is one reject, the last."""
    rejects = [reject(1), reject(1, reason_code="bad_price")]
    await brain.record_rejects(tenant, run_id="1", rejects=rejects)
    assert {"bad_price": 1} == await brain.count_rejects(tenant, run_id="1")


async def test_no_rejects(brain: Brain, tenant: str) -> None:
    """Nothing to record is no error."""
    await brain.record_rejects(tenant, run_id="1", rejects=[])
    assert [] == await brain.list_rejects(tenant)
    assert {} == await brain.count_rejects(tenant, run_id="1")


async def test_any_row_can_be_rejected(brain: Brain, tenant: str) -> None:
    """A reject is kept whatever was wrong with its row."""
    raw = {
        "text": "Намет 🏕",
        "nul": "a\x00b",
        "pair": "half \ud800",
        "looks": r"\u0000",
        "nan": float("nan"),
        "decimal": Decimal("1.10"),
        "when": datetime(2026, 1, 2, tzinfo=UTC),
        "bytes": b"\xff",
        "object": Exception("no"),
        "nested": {"a": [1, None, True]},
    }
    await brain.record_rejects(tenant, run_id="1", rejects=[reject(1, raw=raw)])
    (found,) = await brain.list_rejects(tenant)
    assert {
        "text": "Намет 🏕",
        "nul": "a\ufffdb",
        "pair": "half ?",
        "looks": r"\u0000",
        "nan": "NaN",
        "decimal": "1.10",
        "when": "2026-01-02T00:00:00Z",
        "bytes": "_w==",
        "object": "no",
        "nested": {"a": [1, None, True]},
    } == found.raw


async def test_rejects_pages(brain: Brain, tenant: str) -> None:
    """Following the cursor visits every reject once, in the order of run, source and row."""
    for run in ("r2", "r1"):
        rejects = [reject(n, source) for source in ("b.csv", "a\u0301.csv") for n in (10, 9, 2)]
        await brain.record_rejects(tenant, run_id=run, rejects=rejects)
    seen: list[tuple[str, str, int]] = []
    after = None
    while page := await brain.list_rejects(tenant, limit=5, after=after):
        after = page[-1].cursor
        seen += [(item.run_id, item.source, item.row_number) for item in page]
    sources = ("a\u0301.csv", "b.csv")
    assert [(r, s, n) for r in ("r1", "r2") for s in sources for n in (2, 9, 10)] == seen
    assert 6 == len(await brain.list_rejects(tenant, run_id="r1"))


async def test_row_is_kept_whole(brain: Brain, tenant: str) -> None:
    """A row of up to 64 KiB can be tried again as it was; of a longer one what fits is kept."""
    whole = {"name": "я" * 32_000, "price": 1}
    long = {"name": "я" * 40_000, "price": 1, **{f"column {n}": "x" * 900 for n in range(50)}}
    await brain.record_rejects(tenant, run_id="1", rejects=[reject(1, raw=whole)])
    await brain.record_rejects(tenant, run_id="1", rejects=[reject(2, raw=long)])
    one, other = await brain.list_rejects(tenant, run_id="1")
    assert whole == one.raw
    assert ("shortened", "я" * 500 + "…", 1) == (
        other.raw["…"],
        other.raw["name"],
        other.raw["price"],
    )
    assert 30_000 < sum(map(len, map(str, other.raw.values()))) < 64 * 1024


async def test_resolve_rejects(brain: Brain, tenant: str) -> None:
    """A reject that a later run made a product of is resolved by that run, once."""
    await brain.record_rejects(tenant, run_id="1", rejects=[reject(n) for n in range(4)])
    await brain.record_rejects(f"{tenant}-other", run_id="1", rejects=[reject(1)])
    rows = [("feed.csv", 1), ("feed.csv", 2), ("feed.csv", 9), ("other.csv", 3)]
    for _ in range(2):
        resolved = await brain.resolve_rejects(tenant, run_id="1", rows=rows, resolved_run_id="2")
        assert 2 == resolved
    late = [("feed.csv", 2), ("feed.csv", 3)]
    assert 1 == await brain.resolve_rejects(tenant, run_id="1", rows=late, resolved_run_id="3")
    assert 0 == await brain.resolve_rejects(tenant, run_id="1", rows=[], resolved_run_id="3")
    found = await brain.list_rejects(tenant)
    assert [None, "2", "2", "3"] == [item.resolved_run_id for item in found]
    assert [0] == [i.row_number for i in await brain.list_rejects(tenant, unresolved=True)]
    assert 1 == len(await brain.list_rejects(f"{tenant}-other", unresolved=True))


async def test_rejects_of_a_supplier(brain: Brain, tenant: str) -> None:
    """Rejects can be asked for by the supplier whose runs they are of."""
    for run_id, supplier_code in (("1", "camping"), ("2", "boats"), ("3", "camping")):
        await start(brain, tenant, run_id, supplier_code)
        await brain.record_rejects(tenant, run_id=run_id, rejects=[reject(1)])
    found = await brain.list_rejects(tenant, supplier_code="camping")
    assert ["1", "3"] == [item.run_id for item in found]
    assert [] == await brain.list_rejects(tenant, run_id="2", supplier_code="camping")


async def test_rejects_of_tenants_are_apart(brain: Brain, tenant: str) -> None:
    """A tenant sees its own rejects only, also where runs have the same id."""
    await brain.record_rejects(tenant, run_id="1", rejects=[reject(1)])
    await brain.record_rejects(f"{tenant}-other", run_id="1", rejects=[reject(1), reject(2)])
    assert {"missing_name": 1} == await brain.count_rejects(tenant, run_id="1")
    assert 1 == len(await brain.list_rejects(tenant))


@pytest.mark.parametrize("cursor", ["", "x", "{}", "[1]", '["a", "b", "c"]', "[1, 2, 3]", "null"])
async def test_wrong_cursor(brain: Brain, tenant: str, cursor: str) -> None:
    """A cursor that is none is the caller's mistake."""
    with pytest.raises(InvalidInputError, match="no place in a list of rejects"):
        await brain.list_rejects(tenant, after=cursor)


async def start(brain: Brain, tenant: str, run_id: str, supplier_code: str = "camping") -> None:
    """Start a run."""
    await brain.start_run(tenant, run_id=run_id, workflow_id="w", supplier_code=supplier_code)


async def test_run(brain: Brain, tenant: str) -> None:
    """A run is running from its start until it is finished with its counts."""
    run = await brain.start_run(tenant, run_id="1", workflow_id="w", supplier_code="camping")
    assert (RunStatus.RUNNING, "w", "camping") == (run.status, run.workflow_id, run.supplier_code)
    assert run.finished_at is None
    counts = UpsertCounts(inserted=1, updated=2, unchanged=3)
    done = await brain.finish_run(tenant, run_id="1", counts=counts, removed=5, rejected=4)
    assert (RunStatus.COMPLETED, 1, 2, 3, 5, 4, None) == (
        done.status,
        done.inserted,
        done.updated,
        done.unchanged,
        done.removed,
        done.rejected,
        done.error,
    )
    assert run.started_at == done.started_at
    assert done.finished_at is not None
    assert done.finished_at >= done.started_at
    assert [done] == await brain.list_runs(tenant)


async def test_run_repeated(brain: Brain, tenant: str) -> None:
    """Starting or finishing again changes nothing: the first word stands."""
    await start(brain, tenant, "1")
    done = await brain.finish_run(tenant, run_id="1", status=RunStatus.FAILED, error="Пусто.")
    assert (RunStatus.FAILED, "Пусто.") == (done.status, done.error)
    again = await brain.start_run(tenant, run_id="1", workflow_id="x", supplier_code="y")
    assert done == again
    assert done == await brain.finish_run(tenant, run_id="1", rejected=1)


async def test_unknown_run(brain: Brain, tenant: str) -> None:
    """Finishing a run that was never started says so; another tenant's is not known either."""
    await start(brain, f"{tenant}-other", "1")
    with pytest.raises(PermanentError, match="knows no run '1'"):
        await brain.finish_run(tenant, run_id="1")


async def test_list_runs(brain: Brain, tenant: str) -> None:
    """Runs come the latest first, by page and by supplier."""
    for number in range(5):
        await start(brain, tenant, str(number), "x" if number % 2 else "y")
    await start(brain, f"{tenant}-other", "9")
    page = await brain.list_runs(tenant, limit=3)
    rest = await brain.list_runs(tenant, limit=3, after=page[-1].run_id)
    assert list("43210") == [run.run_id for run in page + rest]
    assert list("31") == [run.run_id for run in await brain.list_runs(tenant, supplier_code="x")]


async def test_the_last_run_is_the_last_whatever_a_worker_takes_for_the_time(
    brain: Brain, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a harvest would go by a run that was not the last, and take its feed for stored."""
    with monkeypatch.context() as patch:
        patch.setattr(store, "_now", lambda: datetime.now(UTC) + timedelta(hours=1))
        await start(brain, tenant, "early")
        await brain.finish_run(tenant, run_id="early")
    await start(brain, tenant, "late")

    last, first = await brain.list_runs(tenant)

    assert ("late", "early") == (last.run_id, first.run_id)
    assert first.finished_at is not None
    assert first.started_at <= first.finished_at <= last.started_at


async def test_a_run_that_never_finished(brain: Brain, tenant: str) -> None:
    """A terminated run is lost when its workflow runs again; other workflows' runs go on."""
    for run_id, workflow_id in (("w/1", "w"), ("v/1", "v"), ("w/2", "w"), ("w/2", "w")):
        await brain.start_run(
            tenant, run_id=run_id, workflow_id=workflow_id, supplier_code="camping"
        )
    found = {run.run_id: run for run in await brain.list_runs(tenant)}
    assert {"w/1": "lost", "v/1": "running", "w/2": "running"} == {
        run_id: run.status for run_id, run in found.items()
    }
    # An attempt of the first one's start that comes late.
    await brain.start_run(tenant, run_id="w/1", workflow_id="w", supplier_code="camping")
    assert ["w/1"] == [
        run.run_id for run in await brain.list_runs(tenant) if run.status is RunStatus.LOST
    ]
    assert found["w/1"].finished_at is not None
    assert "another run" in str(found["w/1"].error)
    late = await brain.finish_run(tenant, run_id="w/1")
    assert RunStatus.COMPLETED is late.status


async def test_operators_see_when_suppliers_were_harvested(brain: Brain, tenant: str) -> None:
    """Of all tenants at once: by the latest harvest that was complete, and no later failure."""
    before = datetime.now(UTC)
    for tenant_id, supplier in ((tenant, "one"), (tenant, "two"), (f"{tenant}-b", "one")):
        run = {"run_id": f"{supplier}-1", "workflow_id": supplier}
        await brain.start_run(tenant_id, supplier_code=supplier, **run)
        state = SupplierState(dealer_code=supplier, run_id=run["run_id"], config_digest="c")
        await brain.record_supplier(tenant_id, state)
        await brain.finish_run(tenant_id, run_id=run["run_id"])
    complete = datetime.now(UTC)
    await brain.start_run(tenant, run_id="one-2", workflow_id="one", supplier_code="one")
    await brain.finish_run(tenant, run_id="one-2", status=RunStatus.FAILED)
    await brain.start_run(tenant, run_id="never", workflow_id="three", supplier_code="three")

    found = [each for each in await brain.last_harvests() if each.tenant_id.startswith(tenant)]

    assert [("", "one"), ("", "two"), ("-b", "one")] == sorted(
        (each.tenant_id.removeprefix(tenant), each.supplier_code) for each in found
    )
    assert all(before <= each.finished_at <= complete for each in found)
