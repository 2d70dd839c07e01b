"""Claims: what a worker takes, nobody else has until it is settled or the lease ends."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from enriching import LEASE, claim, edge, end_lease, enrichment

from contextworker.brain import Brain, Claim, EnrichmentStatus, Product, ProductRecord
from contextworker.core.errors import InvalidInputError

NewProduct = Callable[..., ProductRecord]


def skus(claimed: Claim) -> set[str]:
    """Return which products a claim has."""
    return {item.sku for item in claimed.products}


def ids(*products: Product) -> tuple[str, ...]:
    """Return the ids of products, as settling tells them."""
    return tuple(sorted(item.product_id for item in products))


async def stands(brain: Brain, tenant: str) -> dict[str, str]:
    """Return the status of each product by sku."""
    return {item.sku: str(item.enrichment_status) for item in await brain.list_products(tenant)}


@pytest.fixture
async def abc(brain: Brain, tenant: str, product: NewProduct) -> str:
    """Return a tenant with the products a, b and c."""
    await brain.upsert_products(tenant, [product(sku) for sku in "abc"], run_id="1")
    return tenant


async def test_claims_are_apart(brain: Brain, abc: str) -> None:
    """Two claims have no product in common, and who comes too late is told that others have it."""
    first, second = await claim(brain, abc, limit=2), await claim(brain, abc, "c2")
    assert (2, False) == (len(first.products), first.held_elsewhere)
    assert (1, True) == (len(second.products), second.held_elsewhere)
    assert set("abc") == skus(first) | skus(second)
    assert Claim(claim_id="c3", held_elsewhere=True) == await claim(brain, abc, "c3")


async def test_claimed_products_are_whole(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A claimed product is the one that a list has, in every field and type."""
    full = product(
        "№ 7/ä",
        name='Намет "Карпати" 🏕\n',
        category="a\tb\\u0000 %s :x $1",
        quantity=-(2**63),
        price_retail="12345678901234567890.1234567890",
        availability="preorder",
        params={"a": None, "b": [1, 2.5, True, {"ü": "🏕"}], "big": 10**30, "f": 1e16, "z": -0.0},
    )
    await brain.upsert_products(tenant, [full, product("plain")], run_id="1")
    by_id = {item.product_id: item for item in await brain.list_products(tenant)}
    claimed = await claim(brain, tenant)
    assert by_id == {item.product_id: item for item in claimed.products}
    assert Claim.model_validate_json(claimed.model_dump_json()) == claimed


async def test_claim_again(brain: Brain, abc: str) -> None:
    """The same claim again has the same products and takes no more."""
    first = await claim(brain, abc, limit=2)
    assert skus(first) == skus(await claim(brain, abc, limit=10))
    assert 1 == len((await claim(brain, abc, "c2")).products)


async def test_settle(brain: Brain, abc: str) -> None:
    """Settling stores what was found out, and frees what nothing was found out about."""
    claimed = {item.sku: item for item in (await claim(brain, abc)).products}
    a, b = claimed["a"], claimed["b"]
    given = [enrichment(a, taxonomy={"status": "done", "ü": 10**30}), enrichment(b, "review")]
    taken = await brain.settle_claim(abc, claim_id="c1", enrichments=given)
    assert ids(a, b) == taken
    assert {"a": "done", "b": "review", "c": "pending"} == await stands(brain, abc)
    found = {item.sku: item.enrichment for item in await brain.list_products(abc)}
    assert {"taxonomy": {"status": "done", "ü": 10**30}} == found["a"]
    assert {"c"} == skus(await claim(brain, abc, "c2"))


async def test_settle_twice(brain: Brain, abc: str) -> None:
    """A claim settled before answers as then, whatever it is told; so does claiming it again."""
    claimed = (await claim(brain, abc, limit=2)).products
    taken = await brain.settle_claim(
        abc, claim_id="c1", enrichments=[enrichment(item) for item in claimed]
    )
    again = [enrichment(item, "error") for item in claimed]
    assert taken == await brain.settle_claim(abc, claim_id="c1", enrichments=again)
    assert ["done", "done", "pending"] == sorted((await stands(brain, abc)).values())
    assert Claim(claim_id="c1", settled=taken) == await claim(brain, abc)
    await end_lease(brain, abc, "c1")
    assert Claim(claim_id="c1", settled=taken) == await claim(brain, abc)


async def test_settle_nothing(brain: Brain, abc: str) -> None:
    """An empty settlement frees all, and one of a claim that is not there stores nothing."""
    (item, *_) = (await claim(brain, abc)).products
    assert () == await brain.settle_claim(abc, claim_id="c1", enrichments=[])
    assert set("abc") == skus(await claim(brain, abc, "c2"))
    assert () == await brain.settle_claim(abc, claim_id="?", enrichments=[enrichment(item)])


async def test_lease_ends(brain: Brain, abc: str) -> None:
    """What a claim held is free once its lease has ended, and no sooner."""
    await claim(brain, abc, lease=timedelta(milliseconds=1))
    async with asyncio.timeout(60):
        for number in range(2, 10_000):
            if found := skus(await claim(brain, abc, f"c{number}")):
                break
    assert set("abc") == found
    assert not skus(await claim(brain, abc))


async def test_taken_over(brain: Brain, abc: str) -> None:
    """Who settles too late is passed over where others have the product, and only there."""
    late = (await claim(brain, abc)).products
    await end_lease(brain, abc, "c1")
    (mine,) = (await claim(brain, abc, "c2", limit=1)).products
    given = [enrichment(item, "error") for item in late]
    others = [item for item in late if item.product_id != mine.product_id]
    assert ids(*others) == await brain.settle_claim(abc, claim_id="c1", enrichments=given)
    assert ids(mine) == await brain.settle_claim(abc, claim_id="c2", enrichments=[enrichment(mine)])
    assert ["done", "error", "error"] == sorted((await stands(brain, abc)).values())


async def test_settled_by_another(brain: Brain, abc: str) -> None:
    """Who comes when another has taken and settled the product changes nothing any more."""
    late = (await claim(brain, abc)).products
    await end_lease(brain, abc, "c1")
    taken = (await claim(brain, abc, "c2")).products
    await brain.settle_claim(abc, claim_id="c2", enrichments=[enrichment(item) for item in taken])
    given = [enrichment(item, "error") for item in late]
    assert () == await brain.settle_claim(abc, claim_id="c1", enrichments=given)
    assert {"done"} == set((await stands(brain, abc)).values())


async def test_renew(brain: Brain, abc: str) -> None:
    """A lease can be begun anew, also late, as long as the claim holds anything."""
    await claim(brain, abc, limit=2)
    await end_lease(brain, abc, "c1")
    assert await brain.renew_claim(abc, claim_id="c1", lease=LEASE)
    assert 1 == len((await claim(brain, abc, "c2")).products)
    await end_lease(brain, abc, "c1")
    await claim(brain, abc, "c3")
    assert not await brain.renew_claim(abc, claim_id="c1", lease=LEASE)
    await brain.settle_claim(abc, claim_id="c3", enrichments=[])
    assert not await brain.renew_claim(abc, claim_id="c3", lease=LEASE)
    assert not await brain.renew_claim(abc, claim_id="?", lease=LEASE)


async def test_changed_meanwhile(brain: Brain, abc: str, product: NewProduct) -> None:
    """A product that its feed changed is passed over; it is pending, and free once all is said."""
    claimed = (await claim(brain, abc)).products
    await brain.upsert_products(abc, [product("a", name="Stove")], run_id="2")
    assert "Stove" in {item.name for item in (await claim(brain, abc)).products}
    given = [enrichment(item) for item in claimed]
    assert 2 == len(await brain.settle_claim(abc, claim_id="c1", enrichments=given))
    assert {"a": "pending", "b": "done", "c": "done"} == await stands(brain, abc)
    assert {"a"} == skus(await claim(brain, abc, "c2"))


async def test_removed(brain: Brain, abc: str) -> None:
    """A product that its feed no longer has is not claimed, nor held by who claims it again."""
    await brain.remove_products(abc, ["a"], dealer_code="camping-trade", run_id="2")
    assert set("bc") == skus(await claim(brain, abc))
    await brain.remove_products(abc, ["b"], dealer_code="camping-trade", run_id="3")
    assert {"c"} == skus(await claim(brain, abc))


async def test_waiting(brain: Brain, abc: str) -> None:
    """What waits for a costly enricher is claimed by who asks for it, and by nobody else."""
    claimed = (await claim(brain, abc)).products
    given = [enrichment(item, "waiting" if item.sku == "a" else "done") for item in claimed]
    await brain.settle_claim(abc, claim_id="c1", enrichments=given)
    assert not (await claim(brain, abc, "c2")).products
    (item,) = (await claim(brain, abc, "c3", status="waiting")).products
    assert ("a", "waiting") == (item.sku, item.enrichment_status)
    assert 1 == (await brain.count_products(abc))[EnrichmentStatus.WAITING]
    await brain.settle_claim(abc, claim_id="c3", enrichments=[enrichment(item)])
    assert {"done"} == set((await stands(brain, abc)).values())


async def test_claim_of_one_supplier(brain: Brain, tenant: str, product: NewProduct) -> None:
    """A claim may be of one supplier's products."""
    batch = [product("a", dealer_code="x"), product("b", dealer_code="y")]
    await brain.upsert_products(tenant, batch, run_id="1")
    first = await claim(brain, tenant, dealer_code="x")
    assert ({"a"}, False) == (skus(first), first.held_elsewhere)
    assert not (await claim(brain, tenant, "c2", dealer_code="z")).held_elsewhere


async def test_decided_meanwhile(brain: Brain, abc: str) -> None:
    """What a person decided of a claimed product stands, whoever settles later."""
    claimed = {item.sku: item for item in (await claim(brain, abc)).products}
    decided = enrichment(claimed["a"], "waiting", ner={"status": "done"})
    assert ids(claimed["a"]) == await brain.store_enrichment(abc, [decided])
    given = [enrichment(item) for item in claimed.values()]
    taken = await brain.settle_claim(abc, claim_id="c1", enrichments=given)
    assert ids(claimed["b"], claimed["c"]) == taken
    assert {"a": "waiting", "b": "done", "c": "done"} == await stands(brain, abc)


async def test_reopened_meanwhile(brain: Brain, abc: str) -> None:
    """A product made pending while it was claimed as waiting stays pending."""
    claimed = (await claim(brain, abc)).products
    given = [enrichment(item, "waiting") for item in claimed]
    await brain.settle_claim(abc, claim_id="c1", enrichments=given)
    await claim(brain, abc, "c2", status="waiting")
    assert 3 == await brain.reopen_products(abc, status=EnrichmentStatus.WAITING)
    assert () == await brain.settle_claim(
        abc, claim_id="c2", enrichments=[enrichment(item) for item in claimed]
    )
    assert {"pending"} == set((await stands(brain, abc)).values())
    assert set("abc") == skus(await claim(brain, abc, "c3"))


async def test_tenants_claims_are_apart(brain: Brain, abc: str, product: NewProduct) -> None:
    """A claim of the same id is another tenant's own, and reaches none of the first one's."""
    other = f"{abc}-other"
    await brain.upsert_products(other, [product("x")], run_id="1")
    mine, theirs = await claim(brain, abc), await claim(brain, other)
    assert (set("abc"), {"x"}) == (skus(mine), skus(theirs))
    stolen = [enrichment(item, edges=(edge(item),)) for item in mine.products]
    assert () == await brain.settle_claim(other, claim_id="c1", enrichments=stolen)
    assert not await brain.renew_claim(other, claim_id="c1", lease=LEASE)
    assert 3 == len(await brain.settle_claim(abc, claim_id="c1", enrichments=stolen))
    assert [] == await brain.list_edges(other)
    assert {"x": "pending"} == await stands(brain, other)


async def test_forgotten(brain: Brain, abc: str) -> None:
    """A claim is remembered for a day, and forgotten in passing some time later."""
    claimed = (await claim(brain, abc, limit=1)).products
    given = [enrichment(item) for item in claimed]
    taken = await brain.settle_claim(abc, claim_id="c1", enrichments=given)
    await claim(brain, abc, "c2", limit=1)
    for claim_id in ("c1", "c2"):
        await end_lease(brain, abc, claim_id, timedelta(days=1))
    await claim(brain, abc, "c3", limit=1)
    assert taken == (await claim(brain, abc)).settled
    for claim_id in ("c1", "c2", "c3"):
        await end_lease(brain, abc, claim_id, timedelta(days=3))
    assert 2 == len((await claim(brain, abc, "c4")).products)
    assert (None, 0) == ((found := await claim(brain, abc)).settled, len(found.products))


@pytest.mark.parametrize(
    ("limit", "lease"),
    [(0, LEASE), (-1, LEASE), (1, timedelta()), (1, -LEASE), (1, timedelta.max)],
    ids=["no product", "fewer than none", "no time", "the past", "for ever"],
)
async def test_senseless_claims(brain: Brain, abc: str, limit: int, lease: timedelta) -> None:
    """A claim of nothing, or of no time, is refused in a sentence."""
    with pytest.raises(InvalidInputError, match=r"a claim takes|a lease lasts"):
        await claim(brain, abc, limit=limit, lease=lease)


async def test_large_settlement(brain: Brain, url: str, tenant: str, product: NewProduct) -> None:
    """A thousand products, or one result of a megabyte, are settled at once."""
    size = 60 if url.startswith("grpc") else 1000
    batch = [product(str(number)) for number in range(size)]
    await brain.upsert_products(tenant, batch, run_id="1")
    claimed = (await claim(brain, tenant, limit=size)).products
    assert size == len(claimed)
    large = {"text": '"Ångström" \\ 🏕\n' * 60_000}
    given = [enrichment(item, edges=(edge(item),), ner={"n": 1}) for item in claimed[1:]]
    given.append(enrichment(claimed[0], ner=large))
    taken = await brain.settle_claim(tenant, claim_id="c1", enrichments=given)
    assert ids(*claimed) == taken
    (found,) = await brain.get_products(tenant, [claimed[0].product_id])
    assert {"ner": large} == found.enrichment
    assert size - 1 == len(await brain.list_edges(tenant, limit=size))


async def test_many_at_once(brain: Brain, url: str, tenant: str, product: NewProduct) -> None:
    """Claimers at once, more than there are connections, take every product exactly once."""
    size = 100 if url.startswith("grpc") else 2000
    batch = [product(str(number)) for number in range(size)]
    await brain.upsert_products(tenant, batch, run_id="1")
    taken: Counter[str] = Counter()

    async def work(worker: int) -> None:
        for number in range(size):
            claimed = await claim(brain, tenant, f"{worker}-{number}", limit=size // 20)
            taken.update(item.product_id for item in claimed.products)
            if not claimed.products and sum(taken.values()) >= size:
                return

    await asyncio.gather(*(work(worker) for worker in range(8)))
    assert (size, {1}) == (len(taken), set(taken.values()))


async def test_same_claim_at_once(brain: Brain, abc: str) -> None:
    """An attempt that is repeated while it still runs is the same claim."""
    found = await asyncio.gather(*(claim(brain, abc, limit=2) for _ in range(6)))
    assert 1 == len({frozenset(skus(claimed)) for claimed in found})
    assert 2 == len(skus(found[0]))
