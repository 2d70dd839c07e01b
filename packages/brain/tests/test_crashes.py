"""Several processes on one store, and processes that die in the middle."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from contextworker.brain import (
    Brain,
    Enrichment,
    EnrichmentStatus,
    ProductRecord,
    UpsertCounts,
    open_brain,
    product_id,
)

_UPSERTER = Path(__file__).parent / "programs" / "upserter.py"

NewUrl = Callable[[], str]


Upserter = Callable[[str, str, int, int, str], Awaitable[Process]]


@pytest.fixture
def upserter(environment: dict[str, str]) -> Upserter:
    """Return what starts a process that upserts."""

    async def start(url: str, run_id: str, batches: int, size: int, direction: str) -> Process:
        arguments = [url, run_id, str(batches), str(size), direction]
        return await asyncio.create_subprocess_exec(
            sys.executable, str(_UPSERTER), *arguments, stdout=PIPE, stderr=PIPE, env=environment
        )

    return start


async def totals(process: Process) -> UpsertCounts:
    """Wait for a process to end well and sum what it counted."""
    out, err = await process.communicate()
    assert 0 == process.returncode, err.decode()
    total = UpsertCounts()
    for line in out.decode().splitlines():
        inserted, updated, unchanged = map(int, line.split())
        total += UpsertCounts(inserted=inserted, updated=updated, unchanged=unchanged)
    return total


async def stored(brain: Brain) -> int:
    """Count the products of the tenant the processes write to."""
    return sum((await brain.count_products("shared")).values())


@pytest.fixture(scope="module")
def some(url: str) -> int:
    """Return how many products meet others: a CommerceService takes a call for each."""
    return 40 if url.startswith("grpc") else 300


async def test_two_writers(new_url: NewUrl, upserter: Upserter) -> None:
    """Two processes upsert the same keys, each in its own order: both get through, none is lost."""
    url = new_url()
    directions = ("forward", "backward")
    processes = [await upserter(url, way, 1, 2000, way) for way in directions]
    one, other = await asyncio.gather(*map(totals, processes))
    assert 2000 == one.total == other.total
    assert 2000 == one.inserted + other.inserted
    assert 2000 == one.updated + other.updated
    async with open_brain(url) as brain:
        assert 2000 == await stored(brain)
        names = {item.name.split()[0] for item in await brain.list_products("shared", limit=2000)}
    assert names in ({"forward"}, {"backward"})


async def test_many_writers_in_a_process(
    brain: Brain, tenant: str, product: Callable[..., ProductRecord], some: int
) -> None:
    """Calls that overlap in one process, more than there are connections, all get through."""
    batch = [product(str(number)) for number in range(some)]
    orders = [batch if n % 2 else batch[::-1] for n in range(12)]
    counts = await asyncio.gather(
        *(brain.upsert_products(tenant, o, run_id=str(n)) for n, o in enumerate(orders))
    )
    assert UpsertCounts(inserted=some, unchanged=11 * some) == sum(counts, UpsertCounts())


async def test_overtaken_insert(
    new_postgresql: NewUrl, product: Callable[..., ProductRecord]
) -> None:
    """A product that another call inserts meanwhile is updated, with its change in the history."""
    url = new_postgresql()
    async with open_brain(url) as brain, await AsyncConnection.connect(url) as other:
        await brain.upsert_products("t", [product("a", price_retail="1")], run_id="1")
        # As another call would, that has not committed yet.
        key = product_id("t", "camping-trade", "a")
        new = product_id("t", "camping-trade", "b")
        await other.execute(
            "CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT * FROM products "
            f"WHERE product_id = '{key}'"
        )
        await other.execute(f"UPDATE copied SET product_id = '{new}', sku = 'b'")
        await other.execute("INSERT INTO products SELECT * FROM copied")
        batch = [product(sku, price_retail="2") for sku in "bc"]
        call = asyncio.create_task(brain.upsert_products("t", batch, run_id="2"))
        async with await AsyncConnection.connect(url, autocommit=True) as watcher:
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            async with asyncio.timeout(60):
                while (await (await watcher.execute(waits)).fetchone()) != (1,):
                    await asyncio.sleep(0.01)
        await other.commit()
        assert UpsertCounts(inserted=1, updated=1) == await call
        (entry,) = await brain.product_history("t", sku="b")
        assert ("1", "2", "2") == (entry.old, entry.new, entry.run_id)


async def test_enriching_while_harvesting(
    brain: Brain, tenant: str, product: Callable[..., ProductRecord], some: int
) -> None:
    """Reading and then writing works while others write between: nobody fails, all is stored."""
    batch = [product(str(number)) for number in range(some)]
    await brain.upsert_products(tenant, batch, run_id="1")
    enrichments = [
        Enrichment(
            product_id=item.product_id,
            content_hash=item.content_hash,
            status=EnrichmentStatus.DONE,
            results={},
        )
        for item in await brain.list_products(tenant, limit=some)
    ]
    stored, counted = await asyncio.gather(
        asyncio.gather(*(brain.store_enrichment(tenant, enrichments) for _ in range(12))),
        asyncio.gather(
            *(brain.upsert_products(tenant, batch, run_id=str(n)) for n in range(2, 14))
        ),
    )
    assert [some] * 12 == [len(taken) for taken in stored]
    assert [UpsertCounts(unchanged=some)] * 12 == counted
    assert some == (await brain.count_products(tenant))[EnrichmentStatus.DONE]


async def test_removing_while_harvesting(
    brain: Brain, tenant: str, product: Callable[..., ProductRecord], some: int
) -> None:
    """Storing, removing and marking the same products at once: nobody waits in a circle."""
    batch = [product(str(number)) for number in range(some)]
    await brain.upsert_products(tenant, batch, run_id="1")
    skus = [item.sku for item in batch]

    async def store(number: int) -> None:
        changed = [product(sku, quantity=number) for sku in skus[::-1]]
        await brain.upsert_products(tenant, changed, run_id=f"s{number}")

    async def remove(number: int) -> None:
        arguments = {"dealer_code": "camping-trade", "run_id": f"r{number}"}
        await brain.remove_products(tenant, skus[number:], **arguments)
        await brain.mark_seen(tenant, skus[::-1], **arguments)

    await asyncio.gather(*map(store, range(6)), *map(remove, range(6)))
    await store(6)
    assert some == len(await brain.list_products(tenant, limit=some))
    for entry, earlier in pairwise(await brain.product_history(tenant, sku=skus[-1])):
        if entry.field == earlier.field:
            assert entry.old == earlier.new


@pytest.mark.parametrize("by", ["remove_products", "mark_seen"])
async def test_what_is_listed_again_meanwhile_is_waited_for_in_its_turn(
    new_postgresql: NewUrl, product: Callable[..., ProductRecord], by: str
) -> None:
    """A removed product that another harvest is listing again, with one more behind them both."""
    url = new_postgresql()
    first, second = sorted((product_id("a", "camping-trade", sku), sku) for sku in "12")
    of_supplier = {"dealer_code": "camping-trade", "run_id": "r"}
    async with (
        open_brain(url) as brain,
        await AsyncConnection.connect(url) as lister,
        await AsyncConnection.connect(url) as follower,
        await AsyncConnection.connect(url, autocommit=True) as watcher,
    ):
        await brain.upsert_products("a", [product("1"), product("2")], run_id="1")
        await brain.remove_products("a", [first[1]], **of_supplier)

        async def waiting(number: int) -> None:
            query = (
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            async with asyncio.timeout(30):
                while (number,) != await (await watcher.execute(query)).fetchone():
                    await asyncio.sleep(0.01)

        async def lock(connection: AsyncConnection, key: str) -> None:
            query = "SELECT FROM products WHERE product_id = %s FOR UPDATE"
            await connection.execute(query, [key])

        async def follow() -> None:
            await lock(follower, first[0])
            await lock(follower, second[0])
            await follower.commit()

        again = "UPDATE products SET removed_at = NULL WHERE product_id = %s"
        await lister.execute(again, [first[0]])
        await lock(lister, second[0])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow())
            await waiting(1)
            tasks.create_task(getattr(brain, by)("a", ["1", "2"], **of_supplier))
            await waiting(2)
            await lister.commit()


async def test_killed_in_the_middle(new_url: NewUrl, upserter: Upserter) -> None:
    """A killed process leaves whole batches only, and its repetition goes on where it stopped."""
    url, size = new_url(), 250
    process = await upserter(url, "1", 3000, size, "forward")  # far more than it gets to
    assert process.stdout is not None
    for _ in range(5):
        assert await process.stdout.readline()
    process.kill()
    await process.communicate()
    assert -9 == process.returncode
    async with open_brain(url) as brain:
        left = await stored(brain)
        assert 5 * size <= left
        assert 0 == left % size
        batches = left // size + 35
        again = await upserter(url, "1", batches, size, "forward")
        missing = batches * size - left
        assert UpsertCounts(inserted=missing, unchanged=left) == await totals(again)
        assert batches * size == await stored(brain)


async def test_cancelled_call(
    brain: Brain, tenant: str, product: Callable[..., ProductRecord]
) -> None:
    """A call cancelled on its way is stored whole or not at all, and the store works on."""
    batch = [product(str(number)) for number in range(500)]
    for turns in range(12):
        call = asyncio.create_task(brain.upsert_products(tenant, batch, run_id="1"))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert sum((await brain.count_products(tenant)).values()) in (0, 500)
    left = sum((await brain.count_products(tenant)).values())
    counts = await brain.upsert_products(tenant, batch, run_id="1")
    assert UpsertCounts(inserted=500 - left, unchanged=left) == counts
