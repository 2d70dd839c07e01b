"""Runs survive their workers: real processes, killed; every product is enriched exactly once."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import psycopg
import pytest
import pytest_asyncio
from gardener_runs import gardener_process, settled, start, until
from postgresql_server import postgresql_server
from temporalio.client import Client

from contextworker.brain import Brain, ProductRecord, open_brain
from contextworker.core.testing import TemporalServer

SEED = 7
# What the database itself saw: each write of an enrichment.
WATCH = """
CREATE TABLE written (product_id text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO written VALUES (NEW.product_id); RETURN NEW; END $$;
CREATE TRIGGER watch AFTER UPDATE OF enrichment ON products FOR EACH ROW EXECUTE FUNCTION note();
"""


@dataclass(frozen=True)
class Stored:
    """A Brain on PostgreSQL, and the way around it."""

    brain: Brain
    url: str

    async def ask(self, query: str) -> list[tuple[object, ...]]:
        """Ask the database itself, where row-level security shows the tenant acme."""
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            await connection.execute("SELECT set_config('contextworker.tenant', 'acme', false)")
            return await (await connection.execute(query.encode())).fetchall()


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The URL of an empty database on a real server."""
    with postgresql_server() as server:
        yield str(server.get_uri())


@pytest_asyncio.fixture(loop_scope="session")
async def stored(
    postgresql: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stored]:
    """A Brain on PostgreSQL, of this test's own, that notes each write of an enrichment."""
    name = f"gardener{random.randrange(10**9)}"
    async with await psycopg.AsyncConnection.connect(postgresql, autocommit=True) as admin:
        await admin.execute(f"CREATE DATABASE {name}".encode())
    url = postgresql.replace("/postgres?", f"/{name}?")
    environment["BRAIN_URL"] = url
    monkeypatch.setenv("BRAIN_URL", url)
    async with open_brain(url) as brain:
        await brain.ping()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
            await admin.execute(WATCH.encode())
        yield Stored(brain, url)


@pytest.mark.parametrize(
    ("count", "kills"),
    [
        pytest.param(600, 1, id="600-products-1-kill", marks=pytest.mark.timeout(300)),
        pytest.param(6000, 8, id="6000-products-8-kills", marks=pytest.mark.timeout(900)),
    ],
)
@pytest.mark.slow
async def test_killed_workers_lose_nothing_and_do_nothing_twice(
    *,
    client: Client,
    temporal: TemporalServer,
    stored: Stored,
    environment: dict[str, str],
    count: int,
    kills: int,
) -> None:
    """Of two workers, one after the other is killed at a random moment; all but the last return."""
    records = [
        ProductRecord(
            sku=f"S{n:05}",
            name=f"Naturehike Cloud-Up {n} Tent 2 person 1.8 kg",
            dealer_code="camp",
            category="Camping > Tents",
            brand_name="Naturehike",
            price_retail=Decimal(1),
        )
        for n in range(count)
    ]
    await stored.brain.upsert_products("acme", records, run_id="r")
    await stored.brain.upsert_products("rival", records[:10], run_id="r")
    chance = random.Random(SEED)

    with ExitStack() as stack:
        variables = {**environment, **temporal.environment}
        workers = [stack.enter_context(gardener_process(variables)) for _ in range(2)]
        handle = await start(client, batch_size=25, parallel=4)
        for number in range(1, kills + 1):
            enough = partial(at_least, stored.brain, number * count // (kills + 2))
            await until(enough, timeout_s=100)
            await asyncio.sleep(chance.random() / 10)
            victim = workers.pop(chance.randrange(2))
            victim.kill()
            victim.wait()
            if number < kills:
                workers.append(stack.enter_context(gardener_process(variables)))
        report = (await handle.result()).payload

    assert ("nothing_pending", count, 0, {"done": count}) == (
        report["outcome"],
        report["products"],
        report["changed"],
        report["by_status"],
    )
    assert [(count, count)] == await stored.ask(
        "SELECT count(*), count(DISTINCT product_id) FROM written"
    )
    assert [(0,)] == await stored.ask("SELECT count(*) FROM claimed_products")
    assert 0 == await settled(stored.brain, "rival")


async def at_least(brain: Brain, count: int) -> bool:
    """Tell whether so many products are enriched."""
    return await settled(brain) >= count
