"""What is found out, decided and learned of products: relations, queues, examples and models."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from enriching import edge, enrichment
from pydantic import ValidationError

from contextworker.brain import (
    Brain,
    Edge,
    EnrichmentStatus,
    Example,
    ModelRecord,
    Product,
    ProductRecord,
    Relation,
)
from contextworker.core.errors import InvalidInputError

NewProduct = Callable[..., ProductRecord]
AT = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)
REVIEW, DONE, ERROR = EnrichmentStatus.REVIEW, EnrichmentStatus.DONE, EnrichmentStatus.ERROR


def example(example_id: str = "e1", task: str = "ner", **fields: Any) -> Example:
    """Return an example, with the fields that matter to a test."""
    given = {
        "example_id": example_id,
        "task": task,
        "text": {"name": "Намет", "params": {"n": 10**30}},
        "label": {"brand": 'Ångström "\\u0000"', "model": None},
        "decided_by": "person:é",
        "decided_at": AT,
    }
    return Example.model_validate(given | fields)


def model(version: str, task: str = "ner") -> ModelRecord:
    """Return a model."""
    return ModelRecord(
        task=task,
        version=version,
        object_key=f"t/gardener/models/{task}/{version}",
        size=2**40,
        examples=10_012,
        scores={"f1": 0.915, "per_label": {"brand": [1, None]}},
        trained_by="person:é",
        trained_at=AT,
    )


@pytest.fixture
async def abc(brain: Brain, tenant: str, product: NewProduct) -> dict[str, Product]:
    """Return the tenant's products a, b and c."""
    await brain.upsert_products(tenant, [product(sku) for sku in "abc"], run_id="1")
    return {item.sku: item for item in await brain.list_products(tenant)}


async def test_edges_are_replaced(brain: Brain, tenant: str, abc: dict[str, Product]) -> None:
    """A product has the relations of its latest enrichment; one that names none leaves them be."""
    a = abc["a"]
    first = (edge(a, "x"), edge(a, "y"), edge(a, "z", Relation.MATERIAL))
    await brain.store_enrichment(tenant, [enrichment(a, edges=first)])
    assert list(first) == await brain.list_edges(tenant)
    second = (edge(a, "x"), edge(a, "y", name="Ÿ", confidence=1), edge(a, "ü", name=""))
    for given in (second, None):
        await brain.store_enrichment(tenant, [enrichment(a, edges=given)])
        assert list(second) == await brain.list_edges(tenant)
    await brain.store_enrichment(tenant, [enrichment(a, edges=())])
    assert [] == await brain.list_edges(tenant)


async def test_two_who_decide_at_once(brain: Brain, tenant: str, abc: dict[str, Product]) -> None:
    """Whoever comes second made their results of others, and is passed over, with their example."""
    a, said = abc["a"], example(product_id=abc["a"].product_id)
    entry = {"status": "review", "confidence": 0.5, "result": {"n": [1, 2.0, None]}}
    first = enrichment(a, ner=entry).model_copy(update={"over": a.enrichment})
    assert (a.product_id,) == await brain.store_enrichment(tenant, [first])
    stands = (await brain.get_products(tenant, [a.product_id]))[0].enrichment
    assert stands
    assert () == await brain.store_enrichment(tenant, [first], examples=[said])
    assert [] == await brain.list_examples(tenant, task="ner")
    second = first.model_copy(update={"over": stands})
    assert (a.product_id,) == await brain.store_enrichment(tenant, [second], examples=[said])
    assert [said] == await brain.list_examples(tenant, task="ner")


async def test_edges_of_a_changed_product(
    brain: Brain, tenant: str, abc: dict[str, Product], product: NewProduct
) -> None:
    """An enrichment that is passed over brings no relations either."""
    await brain.upsert_products(tenant, [product("a", name="Stove")], run_id="2")
    late = enrichment(abc["a"], edges=(edge(abc["a"]),))
    assert () == await brain.store_enrichment(tenant, [late])
    assert [] == await brain.list_edges(tenant)


async def test_list_edges(brain: Brain, tenant: str, abc: dict[str, Product]) -> None:
    """Relations come by product, relation and target, also page by page."""
    for item in abc.values():
        edges = (edge(item, "x"), edge(item, "y"), edge(item, "x", Relation.CATEGORY))
        await brain.store_enrichment(tenant, [enrichment(item, edges=edges)])
    everything = await brain.list_edges(tenant)
    order = [(item.product_id, item.relation, item.target) for item in everything]
    assert (9, sorted(order)) == (len(everything), order)
    seen: list[Edge] = []
    while page := await brain.list_edges(tenant, limit=2, after=seen[-1].cursor if seen else None):
        seen += page
    assert everything == seen

    async def found(**filters: Any) -> list[Edge]:
        assert not await brain.list_edges(tenant, after=everything[-1].cursor, **filters)
        return list(await brain.list_edges(tenant, **filters))

    assert everything[:3] == await found(product_id=everything[0].product_id)
    assert everything[::3] == await found(relation=Relation.BRAND, target="x")
    assert 6 == len(await found(target="x"))
    assert 3 == len(await found(relation=Relation.CATEGORY))
    assert [] == await found(product_id="?")


@pytest.mark.parametrize(
    "after",
    ["x", "[]", '["a", "brand", "x"]', '["a\\u0000", "brand", "x"]', "{}", "null"],
)
async def test_forged_cursor(brain: Brain, tenant: str, after: str) -> None:
    """A place that no list of relations ever named is the caller's mistake."""
    with pytest.raises(InvalidInputError, match="is no place in a list of relations"):
        await brain.list_edges(tenant, after=after)


async def test_foreign_edge(brain: Brain, tenant: str, abc: dict[str, Product]) -> None:
    """An enrichment of one product says nothing of another."""
    with pytest.raises(ValidationError, match="is not"):
        enrichment(abc["a"], edges=(edge(abc["b"]),))


async def test_list_by_task(brain: Brain, tenant: str, abc: dict[str, Product]) -> None:
    """A list can be of the products whose one task stands in a status, page by page."""
    review, done = {"status": "review"}, {"status": "done"}
    given = [
        enrichment(abc["a"], "review", taxonomy=review, ner=done),
        enrichment(abc["b"], "error", taxonomy=review, ner={"status": "error"}),
        enrichment(abc["c"], "done", taxonomy=done, ner=done, odd="no entry", odder={}),
    ]
    await brain.store_enrichment(tenant, given)

    async def skus(status: EnrichmentStatus, task: str | None, **more: Any) -> list[str]:
        page = await brain.list_products(tenant, enrichment_status=status, task=task, **more)
        assert sorted(item.product_id for item in page) == [item.product_id for item in page]
        return sorted(item.sku for item in page)

    assert ["a", "b"] == await skus(REVIEW, "taxonomy")
    assert ["a"] == await skus(REVIEW, None)
    assert ["b"] == await skus(ERROR, "ner")
    assert ["c"] == await skus(DONE, "taxonomy")
    assert ["a", "c"] == await skus(DONE, "ner")
    for task in ("odd", "odder", "other", "o\"d'd", "a,{b}", "$.taxonomy"):
        for status in (DONE, REVIEW):
            assert [] == await skus(status, task)
    first, second = sorted(abc[sku].product_id for sku in "ab")
    (page,) = await brain.list_products(tenant, enrichment_status=REVIEW, task="taxonomy", limit=1)
    assert first == page.product_id
    (page,) = await brain.list_products(
        tenant, enrichment_status=REVIEW, task="taxonomy", after=first
    )
    assert second == page.product_id
    await brain.store_enrichment(tenant, [enrichment(abc["a"], taxonomy=done, ner=done)])
    await brain.remove_products(tenant, ["b"], dealer_code="camping-trade", run_id="2")
    assert [] == await skus(REVIEW, "taxonomy")
    assert ["b"] == await skus(REVIEW, "taxonomy", include_removed=True)


async def test_reopen(brain: Brain, tenant: str, abc: dict[str, Product]) -> None:
    """Products of a status, or with a task in it, become pending; what was found out stays."""
    doubt: Any = {"taxonomy": {"status": "review", "n": 1}}
    given = [
        enrichment(abc["a"], "review", **doubt),
        enrichment(abc["b"], "error", **doubt),
        enrichment(abc["c"], "done", taxonomy={"status": "done"}),
    ]
    await brain.store_enrichment(tenant, given)
    assert 2 == await brain.reopen_products(tenant, status=REVIEW, task="taxonomy")
    assert 0 == await brain.reopen_products(tenant, status=REVIEW, task="taxonomy")
    assert 0 == await brain.reopen_products(tenant, status=REVIEW)
    found = {item.sku: item for item in await brain.list_products(tenant)}
    assert ("pending", doubt) == (found["a"].enrichment_status, found["a"].enrichment)
    assert "done" == found["c"].enrichment_status
    assert 1 == await brain.reopen_products(tenant, status=DONE, task="taxonomy")
    assert 3 == (await brain.count_products(tenant))[EnrichmentStatus.PENDING]


async def test_reopen_leaves_removed(brain: Brain, tenant: str, abc: dict[str, Product]) -> None:
    """A product that its feed no longer has is not made pending."""
    await brain.store_enrichment(tenant, [enrichment(abc["a"])])
    await brain.remove_products(tenant, ["a"], dealer_code="camping-trade", run_id="2")
    assert 0 == await brain.reopen_products(tenant, status=DONE)


async def test_examples(brain: Brain, tenant: str) -> None:
    """Examples come back as they were, by task and page; one of the same id replaces it."""
    given = [example(f"e{n}") for n in range(5)] + [example("x", "taxonomy")]
    await brain.record_examples(tenant, given)
    await brain.record_examples(tenant, given[::-1])
    await brain.record_examples(tenant, [])
    assert given[:5] == await brain.list_examples(tenant, task="ner")
    assert given[2:4] == await brain.list_examples(tenant, task="ner", limit=2, after="e1")
    assert [] == await brain.list_examples(tenant, task="ner", after="e4")
    other = example("e0", "taxonomy", label={})
    await brain.record_examples(tenant, [example("e0"), other])
    assert [other, given[5]] == await brain.list_examples(tenant, task="taxonomy")


async def test_examples_of_decisions(
    brain: Brain, tenant: str, abc: dict[str, Product], product: NewProduct
) -> None:
    """An example is stored with the decision it is made of, or passed over with it."""
    await brain.upsert_products(tenant, [product("a", name="Stove")], run_id="2")
    items = [abc[sku] for sku in "ab"]
    examples = [example(item.sku, product_id=item.product_id) for item in items]
    given = [enrichment(item) for item in items]
    free = example("free")
    taken = await brain.store_enrichment(tenant, given, examples=[*examples, free])
    assert (abc["b"].product_id,) == taken
    assert [examples[1], free] == await brain.list_examples(tenant, task="ner")


async def test_models(brain: Brain, tenant: str) -> None:
    """The model recorded last is its task's current one, whether it is new or was there before."""
    for version in ("1", "2", "3", "1"):
        await brain.record_model(tenant, model(version))
    await brain.record_model(tenant, model("1", "taxonomy"))
    assert [model("1"), model("3"), model("2"), model("1", "taxonomy")] == (
        await brain.list_models(tenant)
    )
    assert [model("1")] == await brain.list_models(tenant, task="ner", limit=1)
    assert [] == await brain.list_models(tenant, task="tech")


async def test_tenants_are_apart(brain: Brain, tenant: str, abc: dict[str, Product]) -> None:
    """What was learned of a tenant's products is no other tenant's."""
    other = f"{tenant}-other"
    given = [enrichment(abc["a"], "review", edges=(edge(abc["a"]),), ner={"status": "review"})]
    assert () == await brain.store_enrichment(other, given)
    await brain.store_enrichment(tenant, given, examples=[example()])
    await brain.record_model(tenant, model("1"))
    assert [] == await brain.list_edges(other)
    assert [] == await brain.list_examples(other, task="ner")
    assert [] == await brain.list_models(other)
    assert [] == await brain.list_products(other, enrichment_status=REVIEW, task="ner")
    assert 0 == await brain.reopen_products(other, status=REVIEW, task="ner")
    await brain.record_examples(other, [example(label={"brand": "theirs"})])
    await brain.record_model(other, model("2"))
    assert [example()] == await brain.list_examples(tenant, task="ner")
    assert [model("1")] == await brain.list_models(tenant)
