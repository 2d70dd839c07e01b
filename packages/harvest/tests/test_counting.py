"""That harvests count as they were reported, and feeds are as fresh as the Brain says."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from contextworker.brain import SupplierState, open_brain
from contextworker.core.testing.metrics import Exported, exported_metrics
from contextworker.harvest.counting import Freshness, count
from contextworker.harvest.messages import HarvestEnd, HarvestReport, HarvestRun, HarvestStatus
from contextworker.harvest.suppliers import SupplierDirectory

RUN = HarvestRun(tenant_id="acme", supplier_code="camp", run_id="1", workflow_id="w")
REPORT = HarvestReport(
    run_id="1",
    supplier_code="camp",
    feeds=1,
    rows=20,
    inserted=1,
    updated=5,
    returned=2,
    unchanged=7,
    removed=3,
    rejected=4,
    rejected_by_reason={"bad_price": 4},
    duplicates=0,
    bytes=1000,
    duration_s=2.5,
)
LAST = "contextworker_harvest_last_success_timestamp_seconds"


@pytest.fixture
def exported() -> Iterator[Exported]:
    """Export what this process counts."""
    with exported_metrics() as exported:
        yield exported


def test_a_report_counts_once(exported: Exported) -> None:
    """Every product is in one change, so that the changes add up."""
    count(HarvestEnd(run=RUN, status=HarvestStatus.COMPLETED, report=REPORT), supplier="camp")

    changes = exported.samples("contextworker_harvest_products_total", supplier="camp")
    assert {"inserted": 1, "updated": 3, "returned": 2, "unchanged": 7, "removed": 3} == {
        labels["change"]: value for labels, value in changes
    }
    assert 4 == exported.total("contextworker_harvest_rejects_total", tenant="acme")
    assert 1000 == exported.total("contextworker_harvest_feed_bytes_total")
    assert 1 == exported.total("contextworker_harvest_runs_total", outcome="completed")
    assert [1] == [len(exported.samples(LAST, supplier="camp"))]


def test_a_failure_counts_as_no_success(exported: Exported) -> None:
    """Nor does a replay of rejects make a feed fresh."""
    replay = RUN.model_copy(update={"replay_run_id": "0"})
    count(HarvestEnd(run=RUN, status=HarvestStatus.FAILED, error="gone"), supplier="camp")
    count(HarvestEnd(run=replay, status=HarvestStatus.COMPLETED, report=REPORT), supplier="camp")

    assert 1 == exported.total("contextworker_harvest_runs_total", outcome="failed")
    assert [] == exported.samples(LAST)


async def test_freshness_is_what_the_brain_knows(exported: Exported, tmp_path: Path) -> None:
    """Of every tenant's suppliers that have a file; one whose file goes is neither old nor new."""
    for code in ("camp", "peak", "NO CODE"):
        (tmp_path / f"{code}.toml").touch()
    async with open_brain(f"sqlite:///{tmp_path / 'brain.db'}") as brain:
        for tenant, supplier in (("acme", "camp"), ("other", "peak"), ("acme", "gone")):
            await brain.start_run(
                tenant, run_id=supplier, workflow_id=supplier, supplier_code=supplier
            )
            state = SupplierState(dealer_code=supplier, run_id=supplier, config_digest="c")
            await brain.record_supplier(tenant, state)
            await brain.finish_run(tenant, run_id=supplier)
        freshness = Freshness(brain, SupplierDirectory(tmp_path))
        await freshness.tell()
        before = {labels["supplier"]: value for labels, value in exported.samples(LAST)}
        (tmp_path / "camp.toml").unlink()
        await freshness.tell()
        (known,) = [each for each in await brain.last_harvests() if each.supplier_code == "camp"]

    ((_, after),) = exported.samples(LAST, supplier="camp")
    assert {"camp"} == set(before) - {"peak"}
    assert known.finished_at.timestamp() == pytest.approx(before["camp"], abs=0.001)
    assert math.isnan(after)
    assert 0 == exported.total("contextworker_harvest_runs_total", outcome="failed")
    assert exported.samples("contextworker_harvest_runs_total", outcome="failed")
