"""What people decide, on a real Brain: stored once, with all that follows from it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import ActivityEnvironment

from contextworker.brain import Brain, EnrichmentStatus, Product, ProductRecord, Relation
from contextworker.core.errors import InvalidInputError
from contextworker.core.objects import ObjectStore
from contextworker.gardener.enrichers.configuration import read_configuration
from contextworker.gardener.enriching.activities import Gardening
from contextworker.gardener.enriching.messages import BatchRequest, Scope
from contextworker.gardener.review.activities import Reviewing
from contextworker.gardener.review.messages import (
    Action,
    Decided,
    Decision,
    ReviewPage,
    ReviewReport,
    ReviewRequest,
)
from contextworker.gardener.settings import GardenerSettings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ACME = "acme"
WAITS = (
    "it waits for the gardener, as it changed or a new model is to look at it; run the gardener, "
    "then look again"
)
RECORDS = [
    ProductRecord(sku="1", name="Mystery thing", dealer_code="camp", brand_name="Tramp"),
    ProductRecord(sku="2", name="Mystery item", dealer_code="camp", description="Warm and dry."),
    ProductRecord(sku="3", name="Mystery box", dealer_code="other"),
    ProductRecord(
        sku="4", name="MSR Elixir tent", dealer_code="camp", brand_name="MSR", category="Tents"
    ),
]


def changed(record: ProductRecord, **fields: Any) -> ProductRecord:
    """Return what a later feed says of a product."""
    return ProductRecord.model_validate(record.model_dump() | fields)


class Desk:
    """A person at the reviews, and the gardener behind them."""

    def __init__(self, brain: Brain, objects: ObjectStore) -> None:
        self.brain = brain
        self.objects = objects
        configuration = read_configuration()
        self.gardening = Gardening(brain, objects, GardenerSettings(), configuration)
        self.reviewing = Reviewing(brain, configuration, self.gardening.pipeline_now)
        self.activity = ActivityEnvironment()
        self._runs = 0

    async def harvest(self, *records: ProductRecord, tenant_id: str = ACME) -> None:
        """Store products."""
        await self.brain.upsert_products(tenant_id, records, run_id="r")

    async def enrich(self, tenant_id: str = ACME) -> None:
        """Run the gardener over what is pending."""
        self._runs += 1
        knowledge = await self.activity.run(
            self.gardening.gather_knowledge, Scope(tenant_id=tenant_id)
        )
        request = BatchRequest(
            tenant_id=tenant_id,
            claim_id=f"run-{self._runs}",
            batch_size=100,
            knowledge=knowledge,
        )
        await self.activity.run(self.gardening.enrich_batch, request)

    async def product(self, sku: str, tenant_id: str = ACME) -> Product:
        """Look one up."""
        [found] = [p for p in await self.brain.list_products(tenant_id) if p.sku == sku]
        return found

    async def list(self, **fields: Any) -> ReviewPage:
        """Ask for what is in review."""
        request = ReviewRequest.model_validate({"tenant_id": ACME, **fields})
        return await self.activity.run(self.reviewing.list_review, request)

    async def decide(
        self,
        action: Action,
        *products: str,
        task: str = "taxonomy",
        by: str = "ann",
        at: datetime = NOW,
        tenant_id: str = ACME,
        **correction: Any,
    ) -> ReviewReport:
        """Decide."""
        request = ReviewRequest(
            tenant_id=tenant_id,
            action=action,
            task=task,
            product_ids=products,
            correction=correction or None,
        )
        return await self.activity.run(
            self.reviewing.decide_review, Decision(request=request, subject=by, at=at)
        )

    async def decide_one(self, action: Action, product: str, **options: Any) -> Decided:
        """Decide about one product."""
        [decided] = (await self.decide(action, product, **options)).products
        return decided


@pytest_asyncio.fixture(loop_scope="session")
async def desk(brain: Brain, objects: ObjectStore) -> Desk:
    """Four products, enriched: of three nobody knows what they are."""
    desk = Desk(brain, objects)
    await desk.harvest(*RECORDS)
    await desk.enrich()
    return desk


async def test_what_is_in_review_is_listed_with_what_it_was_read_from(desk: Desk) -> None:
    """A person can decide without looking anywhere else."""
    page = await desk.list(task="taxonomy", supplier_code="camp")

    second = next(item for item in page.items if item.sku == "2")
    assert {"1", "2"} == {item.sku for item in page.items}
    assert page.next is None
    assert ("Mystery item", "Warm and dry.", "taxonomy", {}, "camp") == (
        second.name,
        second.description,
        second.task,
        second.result,
        second.supplier_code,
    )
    assert second.reason
    assert "names" in second.source


async def test_pages_hold_every_product_once(desk: Desk) -> None:
    """Each with all of its results in doubt, whichever tasks they are of."""
    whole = await desk.list()
    pages, after = [], None
    for _ in whole.items:
        page = await desk.list(limit=1, after=after)
        pages.append(page)
        if (after := page.next) is None:
            break

    assert [item for page in pages for item in page.items] == list(whole.items)
    assert 3 == len(pages)
    assert {"taxonomy"} < {item.task for item in whole.items} | {"ner"}


async def test_a_correction_is_done_and_teaches(desk: Desk) -> None:
    """The entry, the example, the relations and the product's status: all at once."""
    product = await desk.product("1")

    decided = await desk.decide_one(Action.CORRECT, product.product_id, id="camping.tents")

    now = await desk.product("1")
    entry = now.enrichment["taxonomy"]
    assert decided.decided, decided.message
    assert ("done", 1, "person:ann") == (entry["status"], entry["confidence"], entry["source"])
    assert "camping.tents" == entry["result"]["id"] == decided.result["id"]
    assert decided.status == now.enrichment_status.value
    edges = await desk.brain.list_edges(ACME, product_id=product.product_id)
    assert "camping.tents" in {edge.target for edge in edges if edge.relation is Relation.CATEGORY}
    [example] = await desk.brain.list_examples(ACME, task="taxonomy")
    assert (product.product_id, "camping.tents", "ann", NOW, "Mystery thing") == (
        example.product_id,
        example.label["id"],
        example.decided_by,
        example.decided_at,
        example.text["name"],
    )


async def test_a_decision_holds_until_the_product_changes(desk: Desk) -> None:
    """Another price asks nobody again; another name does."""
    product = await desk.product("1")
    await desk.decide(Action.CORRECT, product.product_id, id="camping.tents")

    await desk.harvest(changed(RECORDS[0], quantity=7))
    await desk.enrich()
    same = await desk.product("1")
    await desk.harvest(changed(RECORDS[0], name="Mystery jar"))
    await desk.enrich()
    other = await desk.product("1")

    assert "person:ann" == same.enrichment["taxonomy"]["source"]
    assert "review" == other.enrichment["taxonomy"]["status"]


async def test_a_second_decision_replaces_the_first(desk: Desk) -> None:
    """A mistake is corrected; its example is, too."""
    product = await desk.product("1")
    await desk.decide(Action.CORRECT, product.product_id, id="camping.tents")

    later = NOW + timedelta(minutes=1)
    again = await desk.decide_one(Action.ACCEPT, product.product_id, by="bob", at=later)
    await desk.decide(Action.CORRECT, product.product_id, by="bob", at=later, name="Sleeping bags")

    assert not again.decided
    assert "ann has decided it already; `correct` changes that" == again.message
    [example] = await desk.brain.list_examples(ACME, task="taxonomy")
    assert ("bob", "Sleeping bags") == (example.decided_by, example.label["name"])
    categories = [
        edge.name
        for edge in await desk.brain.list_edges(ACME, product_id=product.product_id)
        if edge.relation is Relation.CATEGORY
    ]
    assert "Sleeping bags" in categories
    assert "Tents" not in categories


async def test_a_rejection_is_done_and_empty_and_teaches_nothing(desk: Desk) -> None:
    """Nobody says what is right."""
    product = await desk.product("1")

    decided = await desk.decide_one(Action.REJECT, product.product_id)

    entry = (await desk.product("1")).enrichment["taxonomy"]
    assert (True, "done", {}) == (decided.decided, entry["status"], entry["result"])
    assert [] == await desk.brain.list_examples(ACME, task="taxonomy")


async def test_nothing_found_is_nothing_to_accept(desk: Desk) -> None:
    """An empty category as an example would teach that there is none."""
    product = await desk.product("1")

    decided = await desk.decide_one(Action.ACCEPT, product.product_id)

    assert not decided.decided
    assert "nothing was found, so there is nothing to accept" in decided.message


async def test_an_accepted_result_is_what_was_found(desk: Desk) -> None:
    """With full confidence, and as an example."""
    await desk.harvest(ProductRecord(sku="5", name="Camping thing", dealer_code="camp"))
    await desk.enrich()
    product = await desk.product("5")
    found = product.enrichment["taxonomy"]
    assert "review" == found["status"], found

    decided = await desk.decide_one(Action.ACCEPT, product.product_id)

    entry = (await desk.product("5")).enrichment["taxonomy"]
    assert decided.decided, decided.message
    assert ("done", 1, "camping") == (entry["status"], entry["confidence"], entry["result"]["id"])
    [example] = await desk.brain.list_examples(ACME, task="taxonomy")
    assert example.label == entry["result"]


async def test_a_repeated_attempt_stores_the_same(desk: Desk) -> None:
    """A worker may die after the work and before its answer."""
    product = await desk.product("1")

    reports = [
        await desk.decide(Action.REJECT, product.product_id),
        await desk.decide(Action.REJECT, product.product_id),
    ]
    entries = (await desk.product("1")).enrichment
    corrected = [
        await desk.decide(
            Action.CORRECT, product.product_id, id="camping", at=NOW + timedelta(minutes=1)
        )
        for _ in range(2)
    ]

    assert reports[0] == reports[1]
    assert 1 == reports[0].decided
    assert corrected[0] == corrected[1]
    assert entries["kg"]["at"]
    assert 1 == len(await desk.brain.list_examples(ACME, task="taxonomy"))


async def test_one_that_cannot_be_decided_holds_no_other_up(desk: Desk) -> None:
    """Each is told what became of it, in the order asked for, once."""
    first, done, third = [(await desk.product(sku)).product_id for sku in ("1", "4", "3")]
    await desk.harvest(changed(RECORDS[2], name="Another box"))

    report = await desk.decide(Action.REJECT, "nonsense", first, done, third, first)

    assert 1 == report.decided
    assert [
        ("nonsense", False, "unknown: the tenant has no such product"),
        (first, True, ""),
        (done, False, "its taxonomy is done, not in review; `correct` changes it all the same"),
        (third, False, WAITS),
    ] == [(one.product_id, one.decided, one.message) for one in report.products]


async def test_a_product_that_changes_while_it_is_decided_keeps_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision was about what it was; neither it nor its example is stored."""
    product = await desk.product("1")
    pipeline_of = desk.gardening.pipeline_now

    async def slowly(tenant_id: str) -> Any:
        await desk.harvest(changed(RECORDS[0], name="Another thing"))
        return await pipeline_of(tenant_id)

    monkeypatch.setattr(desk.reviewing, "_pipeline_of", slowly)
    decided = await desk.decide_one(Action.CORRECT, product.product_id, id="camping")

    assert (False, WAITS) == (decided.decided, decided.message)
    assert EnrichmentStatus.PENDING is (await desk.product("1")).enrichment_status
    assert [] == await desk.brain.list_examples(ACME, task="taxonomy")


async def test_two_tasks_of_a_product_may_be_decided_at_once(desk: Desk) -> None:
    """On two workers, which know nothing of each other: neither decision is lost."""
    product = await desk.product("4")
    other = Desk(desk.brain, desk.objects)

    told = await asyncio.gather(
        desk.decide_one(Action.CORRECT, product.product_id, task="ner", model="Elixir 2"),
        other.decide_one(Action.CORRECT, product.product_id, task="tech", by="bob", materials=[]),
        other.decide_one(Action.CORRECT, product.product_id, id="camping.tarps", by="cyd"),
    )

    entries = (await desk.product("4")).enrichment
    assert [True] * 3 == [one.decided for one in told]
    assert ["person:ann", "person:bob", "person:cyd"] == [
        entries[task]["source"] for task in ("ner", "tech", "taxonomy")
    ]
    assert "camping.tarps" in str(entries["kg"]["result"])


async def test_another_tenants_product_is_unknown(desk: Desk) -> None:
    """Whoever knows its id can neither read nor decide it."""
    product = await desk.product("1")

    decided = await desk.decide_one(Action.REJECT, product.product_id, tenant_id="rival")

    assert (False, "unknown: the tenant has no such product") == (decided.decided, decided.message)
    assert () == (await desk.list(tenant_id="rival")).items
    assert "review" == (await desk.product("1")).enrichment["taxonomy"]["status"]


async def test_fields_that_a_correction_leaves_out_stay(desk: Desk) -> None:
    """Who says the model need not say the brand again; null takes one away."""
    product = await desk.product("4")
    before = product.enrichment["ner"]["result"]
    assert "MSR" == before["brand"]

    await desk.decide(
        Action.CORRECT, product.product_id, task="ner", model="Elixir 2", variant={"size": "L"}
    )
    after = (await desk.product("4")).enrichment["ner"]["result"]
    request = ReviewRequest(
        tenant_id=ACME,
        action=Action.CORRECT,
        task="ner",
        product_ids=(product.product_id,),
        correction={"model": None, "variant": None},
    )
    later = Decision(request=request, subject="bob", at=NOW + timedelta(minutes=1))
    await desk.activity.run(desk.reviewing.decide_review, later)
    last = (await desk.product("4")).enrichment["ner"]["result"]

    assert ("MSR", "Elixir 2", {"size": "L"}) == (after["brand"], after["model"], after["variant"])
    assert ("MSR", False) == (last["brand"], "model" in last or "variant" in last)


async def test_a_wrong_correction_is_refused_as_a_whole(desk: Desk) -> None:
    """Nothing of it is stored."""
    product = await desk.product("1")

    with pytest.raises(InvalidInputError, match="; nearest: camping"):
        await desk.decide(Action.CORRECT, product.product_id, id="camping.tent")

    assert product == await desk.product("1")


async def test_a_task_that_the_tenant_does_not_have_is_told(desk: Desk) -> None:
    """Nobody would look at the decision again."""
    desk.reviewing._configuration = read_configuration()
    object.__setattr__(desk.reviewing._configuration._default, "tasks", ("taxonomy", "kg"))

    with pytest.raises(InvalidInputError, match="tech is none of the tasks of acme: taxonomy, kg"):
        await desk.decide(Action.REJECT, "1", task="tech")
