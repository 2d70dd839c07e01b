"""A real Brain on SQLite, a real object store, a real Temporal server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from contextworker.brain import Brain, ProductRecord, open_brain
from contextworker.core.objects import ObjectStore
from contextworker.core.testing.fixtures import temporal
from contextworker.core.testing.server import TemporalServer
from contextworker.core.worker import shared_modules
from contextworker.gardener.module import module

__all__ = ["temporal"]

TENTS, PACKS = "Camping > Tents", "Hiking and climbing > Backpacks"
GOODS = [
    ("Naturehike Cloud-Up {n} Tent 2 person 1.8 kg green", TENTS, "Naturehike"),
    ("Coleman Instant Dome {n} tent 210 x 140 x 110 cm", TENTS, "Coleman"),
    ("Tatonka Rucksack Yukon {n} 65 l schwarz", PACKS, "Tatonka"),
    ("Tramp Lite {n} намет 3-місний 4,2 кг", TENTS, None),
    ("Mystery thing {n}", None, None),
]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a gardener's process reads: a Brain and a store of this test's own."""
    variables = {
        "BRAIN_URL": f"sqlite:///{tmp_path / 'brain.db'}",
        "CONTEXTWORKER_STORE_URL": (tmp_path / "objects").as_uri(),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest_asyncio.fixture(loop_scope="session")
async def brain(environment: dict[str, str]) -> AsyncIterator[Brain]:
    """An empty Brain on SQLite."""
    async with open_brain(environment["BRAIN_URL"]) as opened:
        yield opened


@pytest.fixture
def objects(environment: dict[str, str]) -> ObjectStore:
    """The object store that workers of this test use."""
    return ObjectStore.from_url(environment["CONTEXTWORKER_STORE_URL"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(temporal: TemporalServer) -> Client:
    """A client that speaks the gardener's messages."""
    return await temporal.connect(*shared_modules([module]))


@pytest.fixture
def harvest(brain: Brain) -> Callable[..., Awaitable[None]]:
    """Store so many products, as a harvest would; another price changes them.

    Of every five, three are surely done, one needs a brand, one says nothing.
    """

    async def store(
        count: int, *, tenant_id: str = "acme", dealer_code: str = "camp", price: int = 1
    ) -> None:
        records = [
            ProductRecord(
                sku=f"S{n:05}",
                name=name.format(n=n),
                dealer_code=dealer_code,
                category=category,
                brand_name=brand,
                price_retail=Decimal(price),
            )
            for n in range(count)
            for name, category, brand in [GOODS[n % len(GOODS)]]
        ]
        await brain.upsert_products(tenant_id, records, run_id=f"{dealer_code}-{price}")

    return store
