"""What code in the sandbox is told of products, by a real Brain."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from commerce_service import CommerceService

from contextworker.brain import (
    Availability,
    Enrichment,
    EnrichmentStatus,
    ProductRecord,
    open_brain,
    product_id,
)
from contextworker.brain.tools import MOST_PRODUCTS, tools
from contextworker.core.errors import PermanentError
from contextworker.core.testing import calling


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set BRAIN_URL to a file that is not there yet."""
    url = f"sqlite:///{tmp_path}/brain.db"
    monkeypatch.setenv("BRAIN_URL", url)
    return url


@pytest.fixture
def files(tmp_path: Path) -> Callable[[], list[Path]]:
    """Return what lists the files that there are."""
    return lambda: list(tmp_path.iterdir())


@pytest.fixture
def service(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set BRAIN_URL to a CommerceService, with a ledger that is not there yet."""
    with CommerceService() as commerce:
        monkeypatch.setenv("BRAIN_URL", commerce.url)
        monkeypatch.setenv("BRAIN_LEDGER_URL", f"sqlite:///{tmp_path}/ledger.db")
        yield


def record(sku: str, **changed: Any) -> ProductRecord:
    """Make a product."""
    return ProductRecord(**{"sku": sku, "name": "Tent", "dealer_code": "camp"} | changed)


async def store(*records: ProductRecord, tenant_id: str = "acme") -> None:
    """Store products, as a harvest does."""
    async with open_brain() as brain:
        await brain.upsert_products(tenant_id, records, run_id="r")


async def asked(*args: Any, whose: str = "acme", **kwargs: Any) -> Any:
    """Open the tools, call `products` as code does, and close them."""
    async with calling(tools, tenant_id=whose) as call:
        assert ["worker:read"] == [tool.permission for tool in call.tools.values()]
        return await call("products", *args, **kwargs)


async def test_code_is_told_what_is_stored(url: str) -> None:
    """A product is plain values: numbers where a double is exact, else text."""
    await store(
        record(
            "T-1",
            category="Tents",
            brand_name="Nordisk",
            price_retail=Decimal("1299.90"),
            currency="EUR",
            quantity=2**60,
            availability=Availability.IN_STOCK,
            params={"weight": 2.5, "ean": 2**60},
        )
    )
    async with open_brain() as brain:
        [stored] = await brain.list_products("acme")
        tasks = {"taxonomy": {"status": "done"}}
        enrichment = Enrichment(
            product_id=stored.product_id,
            content_hash=stored.content_hash,
            status=EnrichmentStatus.DONE,
            results=tasks,
        )
        await brain.store_enrichment("acme", [enrichment])

    [told] = await asked()
    assert (
        told
        | {
            "product_id": product_id("acme", "camp", "T-1"),
            "sku": "T-1",
            "name": "Tent",
            "supplier_code": "camp",
            "category": "Tents",
            "brand": "Nordisk",
            "description": None,
            "price": 1299.9,
            "currency": "EUR",
            "quantity": "1152921504606846976",
            "availability": "in_stock",
            "status": "active",
            "params": {"weight": 2.5, "ean": "1152921504606846976"},
            "enrichment": tasks,
            "enrichment_status": "done",
            "removed_at": None,
        }
        == told
    )


async def test_code_sees_its_own_tenant_only(url: str) -> None:
    """No argument names another one."""
    await store(record("T-1"))
    assert [] == await asked(whose="globex")
    assert ["T-1"] == [found["sku"] for found in await asked(whose="acme")]


@pytest.mark.parametrize(
    ("asking", "found"),
    [
        (("nordisk",), ["T-1"]),
        (("t-2",), ["T-2"]),
        (("100%",), []),
        ({"supplier_code": "outdoor"}, ["T-3"]),
        ({"enrichment_status": "done"}, []),
        ({"enrichment_status": "pending", "query": "lamp"}, ["T-2"]),
    ],
    ids=["brand", "sku", "wildcard", "supplier", "status", "both"],
)
async def test_what_is_asked_for_is_found(url: str, asking: Any, found: list[str]) -> None:
    """By text in SKU, name and brand, by supplier, by enrichment."""
    await store(
        record("T-1", brand_name="Nordisk"),
        record("T-2", name="Lamp"),
        record("T-3", dealer_code="outdoor"),
    )
    args, kwargs = (asking, {}) if isinstance(asking, tuple) else ((), asking)
    assert found == [told["sku"] for told in await asked(*args, **kwargs)]


async def test_code_reads_page_by_page(url: str) -> None:
    """What comes after the last product seen is the next page, until there is none."""
    await store(*(record(f"T-{number}") for number in range(5)))
    seen: list[str] = []
    after = None
    while page := await asked(limit=2, after=after):
        seen += [told["sku"] for told in page]
        after = page[-1]["product_id"]
    assert [f"T-{number}" for number in range(5)] == sorted(seen)


@pytest.mark.parametrize(
    ("asking", "kind", "problem"),
    [
        ({"limit": MOST_PRODUCTS + 1}, ValueError, "limit: must be less than or equal to 200"),
        ({"limit": 0}, ValueError, "limit: must be greater than or equal to 1"),
        ({"enrichment_status": "new"}, ValueError, "enrichment_status: must be 'pending'"),
        ({"query": None}, TypeError, "query: must be a valid string"),
        ({"query": "a\x00b"}, ValueError, "query: "),
        ({"tenant_id": "globex"}, TypeError, "unexpected keyword argument 'tenant_id'"),
    ],
    ids=["much", "none", "status", "no-text", "nul", "tenant"],
)
async def test_what_cannot_be_asked_is_named(
    url: str, asking: dict[str, Any], kind: type[Exception], problem: str
) -> None:
    """Before the Brain is."""
    with pytest.raises(kind) as caught:
        await asked(**asking)
    assert problem in str(caught.value)


async def test_a_worker_that_was_told_of_no_brain_says_so(
    url: str, files: Callable[[], list[Path]]
) -> None:
    """An empty list would be a lie, and a file made on reading would be believed for ever."""
    async with calling(tools, tenant_id="acme") as call:
        with pytest.raises(PermanentError, match=r"there are no products: .* set BRAIN_URL"):
            await call("products")
        assert [] == files()
        await store(record("T-1"))
        assert ["T-1"] == [told["sku"] for told in await call("products")]


async def test_a_commerce_services_ledger_is_looked_for(service: None) -> None:
    """There the list is in the ledger."""
    with pytest.raises(PermanentError, match=r"there are no products: .* set BRAIN_LEDGER_URL"):
        await asked()
    await store(record("T-1"))
    assert ["T-1"] == [told["sku"] for told in await asked()]
