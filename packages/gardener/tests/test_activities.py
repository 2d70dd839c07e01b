"""Each activity on a real Brain and a real object store."""

from collections.abc import Awaitable, Callable

import pytest
from temporalio.testing import ActivityEnvironment

from contextworker.brain import Brain, EnrichmentStatus, ProductRecord
from contextworker.core.errors import ConfigurationError, PermanentError
from contextworker.core.messages import ObjectRef
from contextworker.core.objects import ObjectStore
from contextworker.gardener.activities import Gardening
from contextworker.gardener.batches import decode_brands
from contextworker.gardener.messages import (
    Batch,
    ClaimRequest,
    EnrichRequest,
    Scope,
    Stored,
    StoreRequest,
    TaskOutput,
)
from contextworker.gardener.settings import GardenerSettings

Harvest = Callable[..., Awaitable[None]]
ACME = Scope(tenant_id="acme")


@pytest.fixture
def gardening(brain: Brain, objects: ObjectStore) -> Gardening:
    """The activities, with the packaged taxonomy."""
    return Gardening(brain, objects, GardenerSettings())


@pytest.fixture
def activity() -> ActivityEnvironment:
    """What an activity finds around it."""
    return ActivityEnvironment()


async def claim(
    activity: ActivityEnvironment,
    gardening: Gardening,
    *,
    size: int = 10,
    supplier: str | None = None,
) -> Batch:
    """Take a batch."""
    request = ClaimRequest(tenant_id="acme", supplier_code=supplier, batch_size=size)
    return await activity.run(gardening.claim_batch, request)


async def enrich(activity: ActivityEnvironment, gardening: Gardening, batch: Batch) -> StoreRequest:
    """Run every task over a batch."""
    assert batch.products is not None
    brands = await activity.run(gardening.list_brands, ACME)
    request = EnrichRequest(tenant_id="acme", products=batch.products, brands=brands)
    outputs = [
        await activity.run(task, request)
        for task in (gardening.taxonomy, gardening.brand_model, gardening.attributes)
    ]
    return StoreRequest(tenant_id="acme", products=batch.products, outputs=outputs)


async def test_a_batch_goes_through(
    gardening: Gardening, activity: ActivityEnvironment, brain: Brain, harvest: Harvest
) -> None:
    """Claimed, enriched, stored: every product has every task's result with its status."""
    await harvest(5)

    batch = await claim(activity, gardening)
    stored = await activity.run(
        gardening.store_enrichment, await enrich(activity, gardening, batch)
    )

    assert 5 == batch.count
    assert (
        Stored(
            applied=5,
            changed=0,
            by_status={"done": 3, "review": 2},
            by_task={
                "taxonomy": {"done": 4, "review": 1},
                "brand_model": {"done": 3, "review": 2},
                "attributes": {"done": 5},
            },
        )
        == stored
    )
    products = {product.name.split()[0]: product for product in await brain.list_products("acme")}
    tent = products["Naturehike"]
    assert EnrichmentStatus.DONE is tent.enrichment_status
    assert "camping.tents" == tent.enrichment["taxonomy"]["result"]["id"]
    assert "Naturehike" == tent.enrichment["brand_model"]["result"]["brand"]
    assert 1.8 == tent.enrichment["attributes"]["result"]["weight"]["value"]
    assert EnrichmentStatus.REVIEW is products["Mystery"].enrichment_status
    assert 0 == await activity.run(gardening.count_pending, ACME)


async def test_every_activity_can_be_repeated(
    gardening: Gardening, activity: ActivityEnvironment, harvest: Harvest
) -> None:
    """A worker may die after the work and before its answer: the repeat answers the same."""
    await harvest(5)

    batches = [await claim(activity, gardening) for _ in range(2)]
    requests = [await enrich(activity, gardening, batches[0]) for _ in range(2)]
    stored = [await activity.run(gardening.store_enrichment, requests[0]) for _ in range(2)]

    assert batches[0] == batches[1]
    assert requests[0] == requests[1]
    assert stored[0] == stored[1]


async def test_nothing_pending_is_an_empty_batch(
    gardening: Gardening, activity: ActivityEnvironment
) -> None:
    """That ends a run."""
    assert Batch(tenant_id="acme", count=0) == await claim(activity, gardening)


async def test_a_batch_is_of_one_tenant_and_one_supplier(
    gardening: Gardening, activity: ActivityEnvironment, harvest: Harvest
) -> None:
    """And its object stands under the tenant's name."""
    await harvest(3)
    await harvest(2, dealer_code="other")
    await harvest(4, tenant_id="rival")

    everything = await claim(activity, gardening)
    one_supplier = await claim(activity, gardening, supplier="other")

    assert (5, 2) == (everything.count, one_supplier.count)
    assert everything.products is not None
    assert everything.products.key.startswith("acme/gardener/")


async def test_a_product_changed_after_the_claim_stays_pending(
    gardening: Gardening, activity: ActivityEnvironment, brain: Brain, harvest: Harvest
) -> None:
    """Results of yesterday's content are not stored over today's."""
    await harvest(5)
    request = await enrich(activity, gardening, await claim(activity, gardening))
    await harvest(2, price=2)

    stored = await activity.run(gardening.store_enrichment, request)

    assert (3, 2) == (stored.applied, stored.changed)
    assert 3 == sum(stored.by_status.values())
    assert 2 == (await brain.count_products("acme"))[EnrichmentStatus.PENDING]


async def test_a_task_that_failed_for_good_marks_its_products(
    gardening: Gardening, activity: ActivityEnvironment, brain: Brain, harvest: Harvest
) -> None:
    """They get an error with its reason, keep the other tasks' results, and wait no more."""
    await harvest(2)
    request = await enrich(activity, gardening, await claim(activity, gardening))
    failed = TaskOutput(task="taxonomy", failure="taxonomy failed: out of memory")
    outputs = [failed, *request.outputs[1:]]

    stored = await activity.run(
        gardening.store_enrichment, request.model_copy(update={"outputs": outputs})
    )

    assert {"error": 2} == stored.by_status
    assert {"error": 2} == stored.by_task["taxonomy"]
    product = (await brain.list_products("acme"))[0]
    assert "taxonomy failed: out of memory" == product.enrichment["taxonomy"]["reason"]
    assert "done" == product.enrichment["brand_model"]["status"]
    assert EnrichmentStatus.ERROR is product.enrichment_status


async def test_results_of_another_batch_are_refused(
    gardening: Gardening, activity: ActivityEnvironment, harvest: Harvest
) -> None:
    """Results belong to products by their place; a mixed-up pair must never be stored."""
    await harvest(3)
    small = await enrich(activity, gardening, await claim(activity, gardening, size=2))
    large = await enrich(activity, gardening, await claim(activity, gardening, size=3))
    mixed = small.model_copy(update={"outputs": large.outputs})

    with pytest.raises(PermanentError, match="taxonomy has 3 results for 2 products"):
        await activity.run(gardening.store_enrichment, mixed)


async def test_a_batch_that_is_gone_is_said(
    gardening: Gardening, activity: ActivityEnvironment
) -> None:
    """No retry brings an object back."""
    gone = ObjectRef(key=f"acme/gardener/{'0' * 64}", size=1)

    with pytest.raises(PermanentError, match="no longer in the store; start the run again"):
        await activity.run(
            gardening.taxonomy, EnrichRequest(tenant_id="acme", products=gone, brands=gone)
        )


async def test_brands_are_the_tenants_most_frequent_ones(
    brain: Brain, objects: ObjectStore, activity: ActivityEnvironment, harvest: Harvest
) -> None:
    """The setting limits how many."""
    await harvest(20)
    record = ProductRecord(sku="x", name="x", dealer_code="camp", brand_name="Rare")
    await brain.upsert_products("acme", [record], run_id="r")
    gardening = Gardening(brain, objects, GardenerSettings(known_brands=3))

    brands = decode_brands(await objects.get(await activity.run(gardening.list_brands, ACME)))

    assert ["Coleman", "Naturehike", "Tatonka"] == sorted(brands)


async def test_one_suppliers_pending_products_are_not_counted(
    gardening: Gardening, activity: ActivityEnvironment
) -> None:
    """The Brain counts whole tenants; no number is better than a wrong one."""
    scope = Scope(tenant_id="acme", supplier_code="camp")

    assert await activity.run(gardening.count_pending, scope) is None


async def test_a_wrong_taxonomy_setting_stops_the_worker_at_its_start(
    brain: Brain, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it takes work."""
    monkeypatch.setenv("CONTEXTWORKER_GARDENER_TAXONOMY", "/nowhere/taxonomy.toml")

    with pytest.raises(ConfigurationError, match="/nowhere/taxonomy"):
        Gardening(brain, objects, GardenerSettings())
