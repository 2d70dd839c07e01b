"""Activities of a run, attempted again: a worker may die after any line of them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from gardener_runs import Harvest, gardening
from temporalio.testing import ActivityEnvironment

from contextworker.brain import Brain, Enrichment, EnrichmentStatus
from contextworker.core.objects import ObjectStore
from contextworker.gardener.enriching.activities import Gardening
from contextworker.gardener.enriching.messages import (
    AskRequest,
    BatchRequest,
    Knowledge,
    Scope,
    Settled,
    Spent,
)

ACME = Scope(tenant_id="acme")


@pytest.fixture
def activities(brain: Brain, objects: ObjectStore) -> Gardening:
    """The activities, with the packaged configuration."""
    return gardening(brain, objects)


def environment_of(attempt: int) -> ActivityEnvironment:
    """Return what an activity finds around it."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    return environment


async def knowledge(activities: Gardening) -> Knowledge:
    """Gather what batches go by."""
    return await ActivityEnvironment().run(activities.gather_knowledge, ACME)


def batch(known: Knowledge, claim_id: str = "run/1") -> BatchRequest:
    """Ask for a batch."""
    return BatchRequest(tenant_id="acme", claim_id=claim_id, batch_size=10, knowledge=known)


async def test_a_batch_settled_by_an_attempt_that_was_cut_off_counts_as_it_did(
    activities: Gardening, harvest: Harvest, environment: dict[str, str]
) -> None:
    """Nothing is done again, and nothing is missing from the report."""
    await harvest(5)
    request = batch(await knowledge(activities))

    first = await environment_of(1).run(activities.enrich_batch, request)
    second = await environment_of(2).run(activities.enrich_batch, request)

    assert (5, 5, {"done": 3, "review": 2}) == (first.claimed, first.stored, first.by_status)
    assert first.model_copy(update={"cut_off": True}) == second


async def test_an_attempt_goes_on_with_what_the_one_before_it_claimed(
    activities: Gardening, brain: Brain, harvest: Harvest
) -> None:
    """And with nothing else: no product is in two batches."""
    await harvest(5)
    known = await knowledge(activities)
    lease = timedelta(seconds=60)
    await brain.claim_products("acme", claim_id="run/1", limit=2, lease=lease)

    other = await environment_of(1).run(activities.enrich_batch, batch(known, "run/2"))
    again = await environment_of(2).run(activities.enrich_batch, batch(known))

    assert (3, 2) == (other.claimed, again.claimed)
    assert 0 == (await brain.count_products("acme"))[EnrichmentStatus.PENDING]


async def test_an_empty_claim_says_whether_others_hold_what_is_left(
    activities: Gardening, brain: Brain, harvest: Harvest
) -> None:
    """A later attempt cannot tell: the lease of the one before it may have ended."""
    await harvest(2)
    known = await knowledge(activities)
    lease = timedelta(seconds=60)
    await brain.claim_products("acme", claim_id="another", limit=2, lease=lease)

    first = await environment_of(1).run(activities.enrich_batch, batch(known))
    second = await environment_of(2).run(activities.enrich_batch, batch(known, "run/2"))

    assert Settled(held_elsewhere=True) == first
    assert Settled(held_elsewhere=True, cut_off=True) == second


async def test_a_question_that_was_cut_off_is_not_asked_again_on_the_same_money(
    activities: Gardening, brain: Brain, harvest: Harvest
) -> None:
    """What the attempt before it spent nobody knows: all of its share counts, at most."""
    await harvest(5)
    known = await knowledge(activities)
    await environment_of(1).run(activities.enrich_batch, batch(known))
    waiting = [
        Enrichment(
            product_id=product.product_id,
            content_hash=product.content_hash,
            status=EnrichmentStatus.WAITING,
            results=product.enrichment,
        )
        for product in await brain.list_products("acme")
    ]
    await brain.store_enrichment("acme", waiting)
    request = AskRequest(**batch(known, "run/2").model_dump(), budget_usd=0.5)

    settled = await environment_of(2).run(activities.ask_llm, request)
    repeated = await environment_of(3).run(activities.ask_llm, request)
    free = await brain.claim_products(
        "acme",
        claim_id="run/3",
        limit=10,
        lease=timedelta(seconds=60),
        status=EnrichmentStatus.WAITING,
    )

    assert Settled(cut_off=True, spent=Spent(unsure_usd=0.5)) == settled == repeated
    assert 5 == len(free.products)
