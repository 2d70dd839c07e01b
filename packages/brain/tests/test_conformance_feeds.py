"""What every store must do with what feeds have, no longer have, and have again."""

from collections.abc import AsyncIterator, Callable

import polars as pl
import pytest

from contextworker.brain import (
    Brain,
    EnrichmentStatus,
    FeedState,
    HistoryField,
    Product,
    ProductRecord,
    SupplierState,
    UpsertCounts,
    product_id,
)
from contextworker.brain.frames import KNOWN_SCHEMA, frame_of
from contextworker.core.errors import InvalidInputError

NewProduct = Callable[..., ProductRecord]
DEALER = "camping-trade"


async def store(
    brain: Brain, tenant: str, *products: ProductRecord, run_id: str = "1"
) -> UpsertCounts:
    """Store products as a frame."""
    return await brain.store_products(tenant, frame_of(products), dealer_code=DEALER, run_id=run_id)


async def remove(brain: Brain, tenant: str, *skus: str, run_id: str = "2") -> int:
    """Remove products."""
    return await brain.remove_products(tenant, skus, dealer_code=DEALER, run_id=run_id)


async def known(brain: Brain, tenant: str, dealer_code: str = DEALER) -> list[tuple[object, ...]]:
    """Return what the store knows of a supplier, in the order of the sku."""
    frames: AsyncIterator[pl.DataFrame] = brain.known_products(tenant, dealer_code=dealer_code)
    found = [frame async for frame in frames]
    assert all(dict(KNOWN_SCHEMA) == dict(frame.schema) for frame in found)
    return sorted(row for frame in found for row in frame.rows())


async def one(brain: Brain, tenant: str, sku: str = "T-1") -> Product:
    """Return a product, removed or not."""
    (found,) = await brain.get_products(tenant, [product_id(tenant, DEALER, sku)])
    return found


async def changes(brain: Brain, tenant: str, sku: str = "T-1") -> list[tuple[object, ...]]:
    """Return a product's history, the latest first."""
    found = await brain.product_history(tenant, sku=sku)
    return [(item.run_id, item.field.value, item.old, item.new) for item in found]


async def test_frame_counts(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A call counts what it did; the same call again did nothing."""
    await store(brain, tenant, product("a"), product("b"))
    batch = [product("a"), product("b", name="Stove"), product("c")]
    expected = UpsertCounts(inserted=1, updated=1, unchanged=1)
    assert expected == await store(brain, tenant, *batch, run_id="2")
    assert UpsertCounts(unchanged=3) == await store(brain, tenant, *batch, run_id="2")
    assert UpsertCounts() == await store(brain, tenant, run_id="2")
    assert ["Stove", "Tent", "Tent"] == sorted(i.name for i in await brain.list_products(tenant))


async def test_frame_of_something_else(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A frame that is not of products is refused by what is wrong with it, and nothing stored."""
    frame = frame_of([product()])
    wrong = frame.drop("url").with_columns(pl.lit(1.5).alias("quantity"), pl.lit(1).alias("ean"))
    for bad, sentence in (
        (wrong, r"not so: quantity \(Float64\), url \(missing\), ean \(Int32\)"),
        (pl.concat([frame, frame]), "the sku 'T-1' comes twice"),
    ):
        with pytest.raises(InvalidInputError, match=sentence):
            await brain.store_products(tenant, bad, dealer_code=DEALER, run_id="1")
    assert [] == await brain.list_products(tenant)


async def test_known_products(brain: Brain, tenant: str, product: NewProduct) -> None:
    """What is stored of one supplier comes back, removed products too, and nothing of others."""
    strange = product("q\"'\n,;\t é🏕\\N")
    await store(brain, tenant, product("a"), product(" "), strange)
    await brain.upsert_products(tenant, [product("b", dealer_code="other")], run_id="1")
    await store(brain, f"{tenant}-other", product("c"))
    await remove(brain, tenant, "a")
    expected = [
        (item.sku, item.content_hash, item.sku == "a")
        for item in (product("a"), product(" "), strange)
    ]
    assert sorted(expected) == await known(brain, tenant)
    assert [] == await known(brain, tenant, "nobody")


async def test_known_products_left_early(brain: Brain, tenant: str, product: NewProduct) -> None:
    """Who stops reading in the middle leaves nothing behind that would stop a writer."""
    await store(brain, tenant, product("a"))
    for _ in range(10):
        async for _frame in brain.known_products(tenant, dealer_code=DEALER):
            break
    assert UpsertCounts(inserted=1) == await store(brain, tenant, product("b"))


async def test_remove_and_return(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A product that is gone keeps what it was, is no longer listed, and may come back."""
    await store(brain, tenant, product("a", brand_name="Ångström"), product("b"))
    assert 1 == await remove(brain, tenant, "a", "a", "never there")
    assert 0 == await remove(brain, tenant, "a")
    assert ["b"] == [item.sku for item in await brain.list_products(tenant)]
    assert ["b"] == [
        item.sku
        for item in await brain.list_products(tenant, enrichment_status=EnrichmentStatus.PENDING)
    ]
    assert 1 == (await brain.count_products(tenant))[EnrichmentStatus.PENDING]
    assert 2 == len(await brain.list_products(tenant, include_removed=True))
    gone = await one(brain, tenant, "a")
    assert gone.removed_at is not None
    assert "Ångström" == gone.brand_name
    counts = await store(brain, tenant, product("a", brand_name="Ångström"), run_id="3")
    assert UpsertCounts(updated=1) == counts
    back = await one(brain, tenant, "a")
    assert back.removed_at is None
    assert back.updated_at == gone.updated_at
    assert 2 == len(await brain.list_products(tenant))


async def test_removal_is_of_one_supplier(brain: Brain, tenant: str, product: NewProduct) -> None:
    """The same sku of another supplier, or of another tenant, stays."""
    await store(brain, tenant, product())
    await store(brain, f"{tenant}-other", product())
    await brain.upsert_products(tenant, [product(dealer_code="other")], run_id="1")
    assert 1 == await remove(brain, tenant, "T-1")
    assert ["other"] == [item.dealer_code for item in await brain.list_products(tenant)]
    assert 1 == len(await brain.list_products(f"{tenant}-other"))


async def test_history(brain: Brain, tenant: str, product: NewProduct) -> None:
    """Price, stock, availability and listing are followed; the first value is no change."""
    await store(brain, tenant, product(price_retail="10.50"))
    await store(brain, tenant, product(price_retail="10.5", name="Stove"), run_id="2")
    assert [] == await changes(brain, tenant)
    given = product(price_retail="9", quantity=3, availability="in_stock")
    for _ in range(2):
        await store(brain, tenant, given, run_id="3")
    await remove(brain, tenant, "T-1", run_id="4")
    await store(brain, tenant, product(quantity=3, availability="in_stock"), run_id="5")
    assert [
        ("5", "listed", "false", "true"),
        ("5", "price_retail", "9", None),
        ("4", "listed", "true", "false"),
        ("3", "availability", None, "in_stock"),
        ("3", "quantity", None, "3"),
        ("3", "price_retail", "10.5", "9"),
    ] == sorted(await changes(brain, tenant), key=lambda item: str(item[0]), reverse=True)
    assert [] == await brain.product_history(f"{tenant}-other", sku="T-1")


async def test_history_of_suppliers(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A sku's history is that of all suppliers who have it, or of one, and can be cut short."""
    for run, price in enumerate(["1", "2", "3"]):
        batch = [product(dealer_code=code, price_retail=price) for code in "xy"]
        await brain.upsert_products(tenant, batch, run_id=str(run))
    assert 4 == len(await brain.product_history(tenant, sku="T-1"))
    of_x = await brain.product_history(tenant, sku="T-1", dealer_code="x")
    assert [("3", "2"), ("2", "1")] == [(item.new, item.old) for item in of_x]
    (latest,) = await brain.product_history(tenant, sku="T-1", dealer_code="x", limit=1)
    assert (HistoryField.PRICE, "x", "2", product_id(tenant, "x", "T-1")) == (
        latest.field,
        latest.dealer_code,
        latest.run_id,
        latest.product_id,
    )


def state(run_id: str, **fields: object) -> SupplierState:
    """Return where a supplier stands, from the fields that matter."""
    given = {"dealer_code": DEALER, "run_id": run_id, "config_digest": "d", **fields}
    return SupplierState.model_validate(given)


async def test_supplier_state(brain: Brain, tenant: str) -> None:
    """Where a supplier stands is what was noted last, to the letter."""
    assert None is await brain.supplier_state(tenant, dealer_code=DEALER)
    feeds = (
        FeedState(source="a.csv", etag='W/"1"', digest="e", size=2**40, key="k", columns=("é",)),
        FeedState(source="b.csv", last_modified="Mon", digest="f", size=0, key="l"),
    )
    await brain.record_supplier(tenant, state("1"))
    await brain.record_supplier(tenant, state("2", is_whole=False, feeds=feeds))
    found = await brain.supplier_state(tenant, dealer_code=DEALER)
    assert state("2", is_whole=False, feeds=feeds) == found
    assert None is await brain.supplier_state(f"{tenant}-other", dealer_code=DEALER)
    assert None is await brain.supplier_state(tenant, dealer_code="other")


async def test_last_seen_moves_with_the_supplier(
    brain: Brain, tenant: str, product: NewProduct
) -> None:
    """A whole feed was there for all its products at once; for removed ones it was not."""
    await store(brain, tenant, product("gone"), product("stays"))
    first = (await one(brain, tenant, "gone")).last_seen_at
    await brain.record_supplier(tenant, state("1"))
    seen = (await one(brain, tenant, "gone")).last_seen_at
    assert first < seen == (await one(brain, tenant, "stays")).last_seen_at
    await brain.record_supplier(tenant, state("1"))
    assert seen == (await one(brain, tenant, "gone")).last_seen_at
    await remove(brain, tenant, "gone")
    await brain.record_supplier(tenant, state("2"))
    assert seen == (await one(brain, tenant, "gone")).last_seen_at
    (listed,) = await brain.list_products(tenant)
    assert seen < listed.last_seen_at
    await brain.record_supplier(tenant, state("3", is_whole=False))
    assert listed == await one(brain, tenant, "stays")
    await store(brain, tenant, product("gone"), run_id="4")
    assert listed.last_seen_at < (await one(brain, tenant, "gone")).last_seen_at


async def test_seen_marks_only_what_is_listed(
    brain: Brain, tenant: str, product: NewProduct
) -> None:
    """A feed of some products tells of those it names that are not removed."""
    await store(brain, tenant, product("a"), product("b"), product("c"))
    await remove(brain, tenant, "b")
    before = {sku: (await one(brain, tenant, sku)).last_seen_at for sku in "abc"}
    await brain.mark_seen(tenant, ["a", "b"], dealer_code=DEALER, run_id="3")
    after = {sku: (await one(brain, tenant, sku)).last_seen_at for sku in "abc"}
    assert ["a"] == [sku for sku in "abc" if before[sku] != after[sku]]
