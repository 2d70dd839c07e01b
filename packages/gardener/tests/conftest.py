"""A real Brain on SQLite, a real object store, a real Temporal server."""

from collections.abc import AsyncIterator
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

TENTS = [
    "Naturehike Cloud-Up {n} Tent 2 person 1.8 kg green",
    "Coleman Instant Dome {n} tent 210 x 140 x 110 cm",
    "Tatonka Rucksack Yukon {n} 65 l schwarz",
    "Намет Tramp Lite {n} 3-місний 4,2 кг",
    "Mystery thing {n}",
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


class Catalogue:
    """Fills the Brain as a harvest would."""

    def __init__(self, brain: Brain) -> None:
        self.brain = brain

    async def harvest(
        self, count: int, *, tenant_id: str = "acme", dealer: str = "camp", price: str = "1"
    ) -> None:
        """Store `count` products; another price changes them."""
        records = [
            ProductRecord(
                sku=f"S{n:05}",
                name=TENTS[n % len(TENTS)].format(n=n),
                dealer_code=dealer,
                category="Camping > Tents" if n % len(TENTS) < 2 else None,
                brand_name="Tatonka" if n % len(TENTS) == 2 else None,
                price_retail=price,
            )
            for n in range(count)
        ]
        await self.brain.upsert_products(tenant_id, records, run_id=f"{dealer}-{price}")


@pytest.fixture
def catalogue(brain: Brain) -> Catalogue:
    """The shop's supply of products."""
    return Catalogue(brain)
