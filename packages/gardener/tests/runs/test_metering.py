"""That work of the gardener is counted once, however often it is tried, and by whose it is."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from gardener_runs import Harvest, gardening
from temporalio.testing import ActivityEnvironment

from contextworker.brain import Brain, EnrichmentStatus, SupplierState
from contextworker.core.objects import ObjectStore
from contextworker.core.testing import recorded_histories
from contextworker.core.testing.metrics import Exported, exported_metrics
from contextworker.gardener.enriching.holding import holding
from contextworker.gardener.enriching.messages import BatchRequest, Scope
from contextworker.gardener.enriching.metering import Catalogues
from contextworker.gardener.module import module

PRODUCTS = "contextworker_gardener_products_total"
CATALOGUE = "contextworker_gardener_catalogue_products"
LIMITS = "contextworker_gardener_cost_limits_total"


@pytest.fixture
def exported() -> Iterator[Exported]:
    """Export what this process counts."""
    with exported_metrics() as exported:
        yield exported


def by_status(exported: Exported, name: str, **labels: str) -> dict[str, float]:
    """Return a metric's values by the label `status`."""
    return {own["status"]: value for own, value in exported.samples(name, **labels)}


async def test_a_batch_that_was_settled_before_counts_no_more(
    exported: Exported, brain: Brain, objects: ObjectStore, harvest: Harvest
) -> None:
    """An attempt that only finds out what the one before it settled adds nothing."""
    await harvest(5)
    activities = gardening(brain, objects)
    known = await ActivityEnvironment().run(activities.gather_knowledge, Scope(tenant_id="acme"))
    request = BatchRequest(tenant_id="acme", claim_id="run/1", batch_size=10, knowledge=known)

    told = []
    for attempt in (1, 2):
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        await environment.run(activities.enrich_batch, request)
        told.append(by_status(exported, PRODUCTS, tenant="acme"))

    assert [{"done": 3, "review": 2}] * 2 == told
    entries = exported.samples("contextworker_gardener_enriched_total", task="ner")
    assert 5 == sum(count for _, count in entries)
    assert all("@" not in labels["source"] for labels, _ in entries)


class Settling:
    """A Brain whose renewals wait behind the settling of the same claim, and find it gone."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain
        self.renewed = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._brain, name)

    async def renew_claim(self, tenant_id: str, *, claim_id: str, lease: timedelta) -> bool:
        """Renew it right after it was settled."""
        await self._brain.settle_claim(tenant_id, claim_id=claim_id, enrichments=())
        held = await self._brain.renew_claim(tenant_id, claim_id=claim_id, lease=lease)
        self.renewed.set()
        return held


@pytest.mark.parametrize("ends", [True, False], ids=["settled", "lost"])
async def test_a_claim_that_its_own_batch_settled_is_not_lost(
    *,
    exported: Exported,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    monkeypatch: pytest.MonkeyPatch,
    ends: bool,
) -> None:
    """Only one that is gone while the batch still goes on."""
    if ends:  # however slowly
        monkeypatch.setattr("contextworker.gardener.enriching.holding._ENDING", 1_000_000)
    await harvest(1)
    gather = gardening(brain, objects).gather_knowledge
    known = await ActivityEnvironment().run(gather, Scope(tenant_id="acme"))
    soon = known.model_copy(update={"lease_s": 0.3})
    request = BatchRequest(tenant_id="acme", claim_id="run/1", batch_size=10, knowledge=soon)
    settling = Settling(brain)

    def lost() -> float:
        return exported.total("contextworker_gardener_claims_total", event="lost")

    async with holding(cast("Brain", settling), request, status=EnrichmentStatus.PENDING):
        await asyncio.wait_for(settling.renewed.wait(), timeout=60)
        async with asyncio.timeout(60):
            while not ends and not lost():
                await asyncio.sleep(0.01)

    assert (0 if ends else 1) == lost()


async def test_a_tenants_catalogue_is_told_before_anything_happens_to_it(
    exported: Exported, brain: Brain, harvest: Harvest
) -> None:
    """As the Brain knows it; limits begin at 0, so that the first one reached is an increase."""
    await harvest(5)
    await brain.start_run("acme", run_id="1", workflow_id="w", supplier_code="camp")
    state = SupplierState(dealer_code="camp", run_id="1", config_digest="c")
    await brain.record_supplier("acme", state)

    await Catalogues(brain).tell()

    found = by_status(exported, CATALOGUE, tenant="acme")
    assert {"pending": 5} == {status: count for status, count in found.items() if count}
    assert {"near": 0, "limit": 0} == {
        own["reached"]: value for own, value in exported.samples(LIMITS, tenant="acme")
    }
    assert {"renewed", "lost"} == {
        own["event"] for own, _ in exported.samples("contextworker_gardener_claims_total")
    }


async def test_a_replay_comes_to_no_limit_again(exported: Exported) -> None:
    """A worker that takes a run over has spent nothing of what it knows from the history."""
    for history in recorded_histories(module, Path(__file__).parents[1] / "histories"):
        if history.must_replay:
            await history.replay()

    assert [] == exported.samples(LIMITS)
