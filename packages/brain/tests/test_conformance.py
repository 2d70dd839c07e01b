"""What every store of products must do, whatever it is made of."""

from collections.abc import Callable
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from contextworker.brain import (
    Brain,
    Enrichment,
    EnrichmentStatus,
    Product,
    ProductRecord,
    UpsertCounts,
    product_id,
)
from contextworker.brain.models import ProductFields
from contextworker.core.errors import InvalidInputError

NewProduct = Callable[..., ProductRecord]


def content(item: ProductFields) -> dict[str, Any]:
    """Return the fields a supplier gave."""
    return {name: getattr(item, name) for name in ProductFields.model_fields}


def enrichment(item: Product, status: str = "done", **results: Any) -> Enrichment:
    """Return an enrichment of a product as it is."""
    return Enrichment(
        product_id=item.product_id,
        content_hash=item.content_hash,
        status=EnrichmentStatus(status),
        results=results,
    )


async def only(brain: Brain, tenant: str) -> Product:
    """Return the tenant's one product."""
    (found,) = await brain.list_products(tenant)
    return found


async def test_ping(brain: Brain) -> None:
    """An open store answers."""
    await brain.ping()


async def test_upsert_counts(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A run counts what is new, what changed and what stayed."""
    await brain.upsert_products(tenant, [product("a"), product("b")], run_id="1")
    batch = [product("a"), product("b", name="Stove"), product("c")]
    expected = UpsertCounts(inserted=1, updated=1, unchanged=1)
    assert expected == await brain.upsert_products(tenant, batch, run_id="2")
    assert {"Tent", "Stove"} == {item.name for item in await brain.list_products(tenant)}


async def test_upsert_repeated(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A call made again finds everything as it wants it."""
    await brain.upsert_products(tenant, [product("a"), product("b")], run_id="1")
    batch = [product("a"), product("b", name="Stove"), product("c")]
    first = await brain.upsert_products(tenant, batch, run_id="2")
    assert UpsertCounts(inserted=1, updated=1, unchanged=1) == first
    before = await brain.list_products(tenant)
    again = await brain.upsert_products(tenant, batch[::-1], run_id="2")
    assert UpsertCounts(unchanged=3) == again
    assert before == await brain.list_products(tenant)


async def test_upsert_repeated_key_in_a_call(
    brain: Brain, tenant: str, product: NewProduct
) -> None:
    """Where a batch repeats a key the last one wins, and the product counts once."""
    batch = [product("a", name="first"), product("b"), product("a", name="last")]
    counts = await brain.upsert_products(tenant, batch, run_id="1")
    assert UpsertCounts(inserted=2) == counts
    assert ["Tent", "last"] == sorted(i.name for i in await brain.list_products(tenant))


async def test_upsert_of_many_suppliers(brain: Brain, tenant: str, product: NewProduct) -> None:
    """One call may hold the products of any number of suppliers, also by the same sku."""
    batch = [product("a", dealer_code=code) for code in "zyx"]
    assert UpsertCounts(inserted=3) == await brain.upsert_products(tenant, batch, run_id="1")
    assert set("xyz") == {item.dealer_code for item in await brain.list_products(tenant)}


async def test_upsert_nothing(brain: Brain, tenant: str) -> None:
    """An empty batch is no error."""
    assert UpsertCounts() == await brain.upsert_products(tenant, [], run_id="1")


async def test_upsert_large(brain: Brain, tenant: str, product: NewProduct, many: int) -> None:
    """A batch may be larger than any limit on the variables of a statement."""
    batch = [product(str(number), params={"n": number}) for number in range(many)]
    counts = await brain.upsert_products(tenant, batch, run_id="1")
    assert UpsertCounts(inserted=many) == counts
    wanted = [product_id(tenant, "camping-trade", str(number)) for number in range(many)]
    found = await brain.get_products(tenant, wanted)
    assert list(range(many)) == [item.params["n"] for item in found]


async def test_content_comes_back(brain: Brain, tenant: str, product: NewProduct) -> None:
    """Every field comes back as it was given, in any script and type."""
    given = product(
        "№ 7/ä",
        name='Намет "Карпати" 🏕\n',
        dealer_name="Ко'мпанія",  # noqa: RUF001 # Cyrillic is meant
        category="Zelte > 2 Personen",
        brand_name="Ångström",
        description="a\tb\\u0000 %s :x $1",
        quantity=-(2**63),
        price_retail="12345678901234567890.1234567890",
        currency="UAH",
        availability="preorder",
        params={"a": None, "b": [1, 2.5, True, {"ü": "🏕"}], "big": 10**30, "f": 1e16, "z": -0.0},
        url="https://example.com/?a=1&b=%20",
        image_url="https://example.com/a.png",
        status="discontinued",
    )
    plain = product("plain")
    await brain.upsert_products(tenant, [given, plain], run_id="1")
    found = {item.sku: item for item in await brain.list_products(tenant)}
    for item in (given, plain):
        stored = content(found[item.sku])
        assert content(item) == stored
        assert item.content_hash == found[item.sku].content_hash
        assert item.content_hash == ProductRecord(**stored).content_hash
        assert product_id(tenant, item.dealer_code, item.sku) == found[item.sku].product_id


@pytest.mark.parametrize(
    "amount", ["0", "0.1", "-19.99", "0.0000000001", "9" * 20, "1E+3", "10.50"]
)
async def test_money(brain: Brain, tenant: str, product: NewProduct, amount: str) -> None:
    """Amounts are exact to the last digit."""
    await brain.upsert_products(tenant, [product(price_retail=amount)], run_id="1")
    assert Decimal(amount) == (await only(brain, tenant)).price_retail


async def test_times(brain: Brain, tenant: str, product: NewProduct) -> None:
    """Times are in UTC, and say when a product was first seen, last seen and last changed."""
    await brain.upsert_products(tenant, [product()], run_id="1")
    new = await only(brain, tenant)
    await brain.mark_seen(tenant, ["T-1", "other"], dealer_code="camping-trade", run_id="2")
    same = await only(brain, tenant)
    await brain.upsert_products(tenant, [product(name="Stove")], run_id="3")
    changed = await only(brain, tenant)
    assert [UTC] * 3 == [at.tzinfo for at in (new.first_seen_at, new.last_seen_at, new.updated_at)]
    assert new.first_seen_at == new.last_seen_at == new.updated_at
    assert new.first_seen_at == same.first_seen_at == changed.first_seen_at
    assert new.last_seen_at < same.last_seen_at < changed.last_seen_at
    assert new.updated_at == same.updated_at
    assert changed.last_seen_at == changed.updated_at


async def test_tenants_are_apart(brain: Brain, tenant: str, product: NewProduct) -> None:
    """The same key of two tenants is two products, and no call reaches across."""
    other = f"{tenant}-other"
    await brain.upsert_products(tenant, [product(brand_name="Mine")], run_id="1")
    counts = await brain.upsert_products(other, [product(brand_name="Theirs")], run_id="1")
    assert UpsertCounts(inserted=1) == counts
    mine, theirs = await only(brain, tenant), await only(brain, other)
    assert mine.product_id != theirs.product_id
    assert [] == await brain.get_products(other, [mine.product_id])
    assert () == await brain.store_enrichment(other, [enrichment(mine)])
    assert 1 == (await brain.count_products(other))[EnrichmentStatus.PENDING]
    assert ["Theirs"] == await brain.brand_names(other, limit=10)
    assert [theirs] == await brain.list_products(other, enrichment_status=EnrichmentStatus.PENDING)


async def test_get_products(brain: Brain, tenant: str, product: NewProduct) -> None:
    """Products come in the order asked for; unknown ids are left out."""
    await brain.upsert_products(tenant, [product(sku) for sku in "abc"], run_id="1")
    wanted = [product_id(tenant, "camping-trade", sku) for sku in "cxab"]
    assert list("cab") == [item.sku for item in await brain.get_products(tenant, wanted)]
    assert [] == await brain.get_products(tenant, [])
    assert [] == await brain.get_products(tenant, ["x", wanted[0].upper(), "{" + wanted[0] + "}"])


async def test_list_pages(brain: Brain, tenant: str, product: NewProduct) -> None:
    """Following `after` visits every product once, in the order of product_id."""
    await brain.upsert_products(tenant, [product(str(n)) for n in range(25)], run_id="1")
    seen: list[str] = []
    while page := await brain.list_products(tenant, limit=10, after=seen[-1] if seen else None):
        assert len(page) <= 10
        seen += [item.product_id for item in page]
    expected = sorted(product_id(tenant, "camping-trade", str(n)) for n in range(25))
    assert expected == seen


async def test_list_after_nothing(brain: Brain, tenant: str) -> None:
    """A place that no list ever named is the caller's mistake."""
    with pytest.raises(InvalidInputError, match="'x' is no place in a list of products"):
        await brain.list_products(tenant, after="x")


async def test_list_filters(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A list can be of one dealer, of one enrichment status, or of both."""
    batch = [product("a", dealer_code="x"), product("b", dealer_code="x"), product("c")]
    await brain.upsert_products(tenant, batch, run_id="1")
    (a,) = await brain.get_products(tenant, [product_id(tenant, "x", "a")])
    await brain.store_enrichment(tenant, [enrichment(a)])

    async def skus(**filters: Any) -> list[str]:
        return sorted(item.sku for item in await brain.list_products(tenant, **filters))

    assert ["a", "b"] == await skus(dealer_code="x")
    assert ["a"] == await skus(enrichment_status=EnrichmentStatus.DONE)
    assert ["b"] == await skus(dealer_code="x", enrichment_status=EnrichmentStatus.PENDING)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("НАМЕТ", ["1"]),  # noqa: RUF001 # Cyrillic is meant
        ("straße", ["2"]),
        ("STRASSE", ["2"]),
        ("ångström", ["3"]),
        ("zx-9", ["ZX-9"]),
        ("100%", ["4"]),
        ("_", ["5"]),
        ("\\", ["6"]),
        ("nothing", []),
    ],
)
async def test_search(
    brain: Brain, tenant: str, product: NewProduct, search: str, expected: list[str]
) -> None:
    """Search finds SKU, name and brand in any case and script, and takes every sign literally."""
    batch = [
        product("1", name="Намет туристичний"),
        product("2", name="Straßenkarte"),
        product("3", brand_name="Ångström"),
        product("4", name="100% Wolle"),
        product("5", name="a_b"),
        product("6", name="a\\b"),
        product("ZX-9"),
    ]
    await brain.upsert_products(tenant, batch, run_id="1")
    assert expected == [item.sku for item in await brain.list_products(tenant, search=search)]


async def test_enrichment_is_stored(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A pending product takes its enrichment; the same again changes nothing and says the same."""
    await brain.upsert_products(tenant, [product()], run_id="1")
    fresh = await only(brain, tenant)
    assert (EnrichmentStatus.PENDING, {}) == (fresh.enrichment_status, fresh.enrichment)
    results = {"brand": {"status": "done", "result": "Ångström", "confidence": 0.9, "source": "x"}}
    for _ in range(2):
        stored = await brain.store_enrichment(tenant, [enrichment(fresh, "review", **results)])
        assert (fresh.product_id,) == stored
        found = await only(brain, tenant)
        assert (EnrichmentStatus.REVIEW, results) == (found.enrichment_status, found.enrichment)


async def test_enrichment_of_old_content(brain: Brain, tenant: str, product: NewProduct) -> None:
    """An enrichment of content that has changed meanwhile is passed over."""
    await brain.upsert_products(tenant, [product("a"), product("b")], run_id="1")
    old = {item.sku: item for item in await brain.list_products(tenant)}
    await brain.upsert_products(tenant, [product("a", name="Stove")], run_id="2")
    stored = await brain.store_enrichment(tenant, [enrichment(item) for item in old.values()])
    assert (old["b"].product_id,) == stored
    found = {item.name: item.enrichment_status for item in await brain.list_products(tenant)}
    assert {"Stove": "pending", "Tent": "done"} == found


async def test_changed_product_is_pending(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A change makes a product pending again, its old enrichment still readable; a repeat not."""
    await brain.upsert_products(tenant, [product()], run_id="1")
    await brain.store_enrichment(tenant, [enrichment(await only(brain, tenant), note="kept")])
    await brain.upsert_products(tenant, [product()], run_id="2")
    assert EnrichmentStatus.DONE is (await only(brain, tenant)).enrichment_status
    await brain.upsert_products(tenant, [product(quantity=1)], run_id="3")
    changed = await only(brain, tenant)
    assert EnrichmentStatus.PENDING is changed.enrichment_status
    assert {"note": "kept"} == changed.enrichment


async def test_enrichment_of_unknown(brain: Brain, tenant: str) -> None:
    """Enrichments of products that are not there are passed over; none are no error."""
    unknown = Enrichment(product_id="x", content_hash="y", status=EnrichmentStatus.DONE, results={})
    assert () == await brain.store_enrichment(tenant, [unknown])
    assert () == await brain.store_enrichment(tenant, [])


async def test_count_products(brain: Brain, tenant: str, product: NewProduct) -> None:
    """Every status has a number, zero included."""
    assert dict.fromkeys(EnrichmentStatus, 0) == await brain.count_products(tenant)
    await brain.upsert_products(tenant, [product(sku) for sku in "abc"], run_id="1")
    first, *_ = await brain.list_products(tenant)
    await brain.store_enrichment(tenant, [enrichment(first, "error")])
    expected = {"pending": 2, "waiting": 0, "done": 0, "review": 0, "error": 1}
    assert expected == await brain.count_products(tenant)


async def test_brand_names(brain: Brain, tenant: str, product: NewProduct) -> None:
    """Brands come the most frequent first; products without one do not count."""
    brands = ["Rare", "Often", None, "Often", "", "Also rare"]
    batch = [product(str(n), brand_name=brand) for n, brand in enumerate(brands)]
    await brain.upsert_products(tenant, batch, run_id="1")
    assert ["Often", "Also rare", "Rare"] == await brain.brand_names(tenant, limit=10)
    assert ["Often"] == await brain.brand_names(tenant, limit=1)
