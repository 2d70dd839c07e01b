"""What the service gets, what the ledger keeps, and that the two come together again."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import polars as pl
import pytest
from commerce_service import CommerceService
from enriching import claim, enrichment

from contextworker.brain import (
    Brain,
    Enrichment,
    EnrichmentStatus,
    ProductRecord,
    SupplierState,
    UpsertCounts,
    open_brain,
    product_id,
)
from contextworker.brain.frames import frame_of
from contextworker.core.errors import PermanentError

NewProduct = Callable[..., ProductRecord]
_DEALER = "camping-trade"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest) -> Iterator[str]:
    """Name a ledger of each kind in the environment."""
    url: str = request.getfixturevalue(f"new_{request.param}")()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAIN_LEDGER_URL", url)
        yield url


@pytest.fixture(scope="module")
def service(ledger: str) -> Iterator[CommerceService]:  # set before it is opened
    """Return a running service."""
    with CommerceService() as running:
        yield running


@pytest.fixture
async def brain(service: CommerceService) -> AsyncIterator[Brain]:
    """Open the Brain behind the service."""
    async with open_brain(service.url) as opened:
        yield opened


async def known(brain: Brain, tenant: str) -> dict[str, tuple[str, bool]]:
    """Return what the Brain tells a harvest of its supplier: SKU -> hash, whether removed."""
    frames = [frame async for frame in brain.known_products(tenant, dealer_code=_DEALER)]
    rows = pl.concat(frames).iter_rows() if frames else iter(())
    return {sku: (content_hash, is_removed) for sku, content_hash, is_removed in rows}


async def test_what_a_product_is_sent_as(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A product travels in the contract's words; what these lack is in params, empty is null."""
    item = product(
        "№ 7",
        name="Намет",
        dealer_name="Camping Trade",
        quantity=3,
        price_retail="99.90",
        currency="UAH",
        availability="in_stock",
        description="Warm.",
        url="https://example.com/7",
        params={"weight": 2.5, "url": "the feed's own"},
    )
    await brain.upsert_products(tenant, [item], run_id="1")
    stored = dict(service.stored(tenant)["№ 7"])
    assert stored.pop("trace_id") in service.orders.traces
    assert stored.pop("id").startswith("c-")
    assert {
        "tenant_id": tenant,
        "dealer_code": _DEALER,
        "dealer_name": "Camping Trade",
        "sku": "№ 7",
        "name": "Намет",
        "category": None,
        "brand_name": None,
        "quantity": 3,
        "price_retail": 99.9,
        "currency": "UAH",
        "params": {
            "weight": 2.5,
            "url": "the feed's own",
            "description": "Warm.",
            "availability": "in_stock",
        },
        "status": "active",
        "enrichment": {},
        "description": None,
    } == stored
    assert [item] == [
        ProductRecord(**{name: getattr(found, name) for name in ProductRecord.model_fields})
        for found in await brain.get_products(tenant, [product_id(tenant, _DEALER, "№ 7")])
    ]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0", 0),
        ("10.50", 10.5),
        ("-19.99", -19.99),
        ("9007199254740992", 2**53),
        ("9007199254740993", "9007199254740993"),
        ("1234567890123456.78", "1234567890123456.78"),
        ("0.0000000001", 1e-10),
    ],
)
async def test_amounts(
    brain: Brain,
    tenant: str,
    product: NewProduct,
    service: CommerceService,
    *,
    amount: str,
    expected: object,
) -> None:
    """An amount is a number where a double has every digit of it, else a text."""
    await brain.upsert_products(tenant, [product(price_retail=amount)], run_id="1")
    assert expected == service.stored(tenant)["T-1"]["price_retail"]


async def test_frames_and_records_are_sent_alike(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A frame's products reach the service as records do, and are not sent a second time."""
    items = [
        product("a", price_retail="1.10", params={"x": [1, None]}, availability="preorder"),
        product("b", category="Zelte", quantity=0),
    ]
    frame = frame_of(items)
    counts = await brain.store_products(tenant, frame, dealer_code=_DEALER, run_id="1")
    assert UpsertCounts(inserted=2) == counts
    calls = service.orders.calls
    await brain.upsert_products(tenant, items, run_id="2")
    assert calls == service.orders.calls
    other = f"{tenant}-records"
    await brain.upsert_products(other, items, run_id="1")
    own = {"id", "tenant_id", "trace_id"}
    of_frame, of_records = (
        {  # by SKU: calls that are made at once arrive in any order
            sku: {name: item[name] for name in item.keys() - own}
            for sku, item in service.stored(whose).items()
        }
        for whose in (tenant, other)
    )
    assert {"a", "b"} == of_frame.keys()
    assert of_records == of_frame


async def test_only_changes_are_sent(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """What the service has already is not sent again, in one trace a call."""
    await brain.upsert_products(tenant, [product("x1"), product("x2")], run_id="1")
    traces = len(service.orders.traces)
    batch = [product("x1"), product("x2", name="Stove"), product("x3")]
    counts = await brain.upsert_products(tenant, batch, run_id="2")
    assert UpsertCounts(inserted=1, updated=1, unchanged=1) == counts
    assert [1, 2, 1] == [service.orders.upserts[sku] for sku in ("x1", "x2", "x3")]
    assert traces + 1 == len(service.orders.traces)


async def test_removal(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A removed product has the status `removed` in the service, until it comes back."""
    items = [product("r1", status="active"), product("r2")]
    await brain.upsert_products(tenant, items, run_id="1")
    assert 1 == await brain.remove_products(
        tenant, ["r1", "unknown"], dealer_code=_DEALER, run_id="2"
    )
    assert {"r1": "removed", "r2": "active"} == {
        sku: item["status"] for sku, item in service.stored(tenant).items()
    }
    assert {"r1": (items[0].content_hash, True), "r2": (items[1].content_hash, False)} == (
        await known(brain, tenant)
    )
    sent = service.orders.upserts["r1"]
    assert 0 == await brain.remove_products(tenant, ["r1"], dealer_code=_DEALER, run_id="3")
    assert sent == service.orders.upserts["r1"]
    await brain.upsert_products(tenant, items, run_id="4")
    assert "active" == service.stored(tenant)["r1"]["status"]
    assert (items[0].content_hash, False) == (await known(brain, tenant))["r1"]


async def test_what_the_service_changed(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """What people changed in the service is read from it; the rest comes back as it was given."""
    item = product(params={"big": 10**30, "keep": 1}, description="Warm.", price_retail="1.10")
    await brain.upsert_products(tenant, [item], run_id="1")
    stored = service.stored(tenant)["T-1"]
    stored |= {"name": "Tent, green", "description": "Very warm.", "category": "Tents"}
    stored["params"] = {**stored["params"], "keep": 2}
    (found,) = await brain.get_products(tenant, [product_id(tenant, _DEALER, "T-1")])
    assert ("Tent, green", "Very warm.", "Tents", item.price_retail) == (
        found.name,
        found.description,
        found.category,
        found.price_retail,
    )
    # One param was changed, so they are the service's, where the large number is a text.
    assert {"big": str(10**30), "keep": 2} == found.params
    (listed,) = await brain.list_products(tenant)
    assert ("Tent", item.params) == (listed.name, listed.params)


async def test_what_the_service_lost(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A product that was deleted in the service is not got; with an enrichment it is sent anew."""
    await brain.upsert_products(tenant, [product()], run_id="1")
    del service.products[service.stored(tenant)["T-1"]["id"]]
    (listed,) = await brain.list_products(tenant)
    assert [] == await brain.get_products(tenant, [listed.product_id])
    enrichment = Enrichment(
        product_id=listed.product_id,
        content_hash=listed.content_hash,
        status=EnrichmentStatus.DONE,
        results={"brand": "Ångström"},
    )
    assert (listed.product_id,) == await brain.store_enrichment(tenant, [enrichment])
    stored = service.stored(tenant)["T-1"]
    assert ({"brand": "Ångström"}, "done") == (stored["enrichment"], stored["enrichment_status"])
    assert [listed.product_id] == [
        found.product_id for found in await brain.get_products(tenant, [listed.product_id])
    ]


async def test_settling_a_claim(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A settled claim's results reach the service, `waiting` as `pending`; others' do not."""
    await brain.upsert_products(tenant, [product(sku) for sku in "abc"], run_id="1")
    claimed = {item.sku: item for item in (await claim(brain, tenant)).products}
    await brain.upsert_products(tenant, [product("b", name="Stove")], run_id="2")
    given = [
        enrichment(claimed["a"], "waiting", ner={"status": "pending"}),
        enrichment(claimed["b"], ner={"status": "done"}),
        enrichment(claimed["c"], "review", ner={"status": "review"}),
    ]
    calls = service.orders.calls
    taken = await brain.settle_claim(tenant, claim_id="c1", enrichments=given)
    assert {claimed["a"].product_id, claimed["c"].product_id} == set(taken)
    assert calls + 2 == service.orders.calls
    stored = service.stored(tenant)
    assert ("pending", {"ner": {"status": "pending"}}) == (
        stored["a"]["enrichment_status"],
        stored["a"]["enrichment"],
    )
    assert {} == stored["b"]["enrichment"]
    assert "review" == stored["c"]["enrichment_status"]
    assert 1 == (await brain.count_products(tenant))[EnrichmentStatus.WAITING]
    assert taken == await brain.settle_claim(tenant, claim_id="c1", enrichments=given)
    assert calls + 2 == service.orders.calls


async def test_overtaken_decision(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A decision made of results that are no longer there does not reach the service either."""
    await brain.upsert_products(tenant, [product()], run_id="1")
    (listed,) = await brain.list_products(tenant)
    first = enrichment(listed, ner={"status": "done"}).model_copy(update={"over": {}})
    second = enrichment(listed, "review").model_copy(update={"over": {}})
    assert (listed.product_id,) == await brain.store_enrichment(tenant, [first])
    assert () == await brain.store_enrichment(tenant, [second])
    assert "done" == service.stored(tenant)["T-1"]["enrichment_status"]


async def test_nonsense_from_the_service(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """What no product can have is refused by field, not passed on."""
    await brain.upsert_products(tenant, [product()], run_id="1")
    service.stored(tenant)["T-1"]["category"] = 7
    with pytest.raises(PermanentError, match=r"tells of product .* can have: category"):
        await brain.get_products(tenant, [product_id(tenant, _DEALER, "T-1")])


async def test_a_crash_between_service_and_ledger(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A product that only the service has in its new form counts as changed, whatever it was."""
    old, new = product("a"), product("a", name="Stove")
    await brain.upsert_products(tenant, [old, product("b")], run_id="1")
    await brain.record_supplier(
        tenant, SupplierState(dealer_code=_DEALER, run_id="1", config_digest="d")
    )
    # The first half of storing the new form: the worker died before the second.
    await brain._send(tenant, [_outgoing(tenant, new)])  # type: ignore[attr-defined]
    assert {"a": ("", False), "b": (product("b").content_hash, False)} == (
        await known(brain, tenant)
    )
    state = await brain.supplier_state(tenant, dealer_code=_DEALER)
    assert state is not None
    assert "d" != state.config_digest
    # The supplier has taken the change back meanwhile.
    counts = await brain.upsert_products(tenant, [old], run_id="2")
    assert UpsertCounts(unchanged=1) == counts
    assert "Tent" == service.stored(tenant)["a"]["name"]
    assert (old.content_hash, False) == (await known(brain, tenant))["a"]
    state = await brain.supplier_state(tenant, dealer_code=_DEALER)
    assert state is not None
    assert "d" == state.config_digest


def _outgoing(tenant: str, item: ProductRecord) -> Any:
    from contextworker.brain.commerce.outgoing import record_outgoing  # noqa: PLC0415

    return record_outgoing(tenant, item)


async def test_another_service(
    brain: Brain, tenant: str, product: NewProduct, service: CommerceService
) -> None:
    """A service that the ledger knows nothing of gets every product with the next harvest."""
    items = [product("a"), product("b")]
    await brain.upsert_products(tenant, items, run_id="1")
    with CommerceService() as other:
        async with open_brain(other.url) as elsewhere:
            assert {"": {"a", "b"}} == {
                "": {sku for sku, (told, _) in (await known(elsewhere, tenant)).items() if not told}
            }
            await elsewhere.upsert_products(tenant, items, run_id="2")
            assert {"a", "b"} == other.stored(tenant).keys()
            hashes = {item.sku: (item.content_hash, False) for item in items}
            assert hashes == await known(elsewhere, tenant)
    assert {"a", "b"} == service.stored(tenant).keys()
