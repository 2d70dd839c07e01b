"""Processes that claim from one PostgreSQL at once, and one that dies over it."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from enriching import claim, end_lease
from psycopg import AsyncConnection

from contextworker.brain import Brain, EnrichmentStatus, ProductRecord, open_brain

_CLAIMER = Path(__file__).parent / "programs" / "claimer.py"

NewUrl = Callable[[], str]
Claimer = Callable[..., Awaitable[Process]]


@pytest.fixture
def claimer(environment: dict[str, str]) -> Claimer:
    """Return what starts a process that claims."""

    async def start(url: str, name: str, *, limit: int, lease_s: float, manner: str) -> Process:
        arguments = [url, name, str(limit), str(lease_s), manner]
        return await asyncio.create_subprocess_exec(
            sys.executable, str(_CLAIMER), *arguments, stdout=PIPE, stderr=PIPE, env=environment
        )

    return start


async def test_killed_claimer(
    new_postgresql: NewUrl, claimer: Claimer, product: Callable[..., ProductRecord]
) -> None:
    """What a killed process has claimed is free when the lease has ended, and no sooner."""
    url = new_postgresql()
    async with open_brain(url) as brain:
        await brain.upsert_products("shared", [product(str(n)) for n in range(20)], run_id="1")
        process = await claimer(url, "killed", limit=15, lease_s=3600, manner="hold")
        assert process.stdout is not None
        lost = (await process.stdout.readline()).decode().split()
        process.kill()
        await process.communicate()
        assert (-9, 15) == (process.returncode, len(lost))
        rest = await claim(brain, "shared", "rest", limit=20)
        assert (5, True) == (len(rest.products), rest.held_elsewhere)
        await end_lease(brain, "shared", "killed-0")
        back = await claim(brain, "shared", "back", limit=20)
        assert set(lost) == {item.product_id for item in back.products}


@pytest.fixture
async def abc(
    new_postgresql: NewUrl, product: Callable[..., ProductRecord]
) -> AsyncIterator[tuple[Brain, AsyncConnection]]:
    """Open a store with the products a, b and c, and a connection past it."""
    url = new_postgresql()
    async with open_brain(url) as brain, await AsyncConnection.connect(url) as other:
        await brain.upsert_products("t", [product(sku) for sku in "abc"], run_id="1")
        yield brain, other


async def test_locked_products_are_passed_over(abc: tuple[Brain, AsyncConnection]) -> None:
    """A claim never waits for whoever has a product in hand at the moment: it takes others."""
    brain, other = abc
    await other.execute("SELECT * FROM products WHERE sku = 'a' FOR UPDATE")
    async with asyncio.timeout(60):
        claimed = await claim(brain, "t")
    assert ({"b", "c"}, True) == ({item.sku for item in claimed.products}, claimed.held_elsewhere)


async def test_overtaken_claim(abc: tuple[Brain, AsyncConnection]) -> None:
    """A product that another claim takes while this one looks stays the other's."""
    brain, other = abc
    await claim(brain, "t", "other", limit=1, dealer_code="none")
    # As another call would, that has not committed yet.
    await other.execute("UPDATE claims SET expires_at = now() + interval '1 hour'")
    await other.execute(
        "INSERT INTO claimed_products "
        "SELECT tenant_id, product_id, 'other' FROM products WHERE sku = 'a'"
    )
    call = asyncio.create_task(claim(brain, "t"))
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with (
        await AsyncConnection.connect(other.info.dsn, autocommit=True) as watcher,
        asyncio.timeout(60),
    ):
        while (await (await watcher.execute(waits)).fetchone()) != (1,):
            await asyncio.sleep(0.01)
    await other.commit()
    assert {"b", "c"} == {item.sku for item in (await call).products}


@pytest.mark.slow
async def test_processes_share_the_work(
    new_postgresql: NewUrl, claimer: Claimer, product: Callable[..., ProductRecord]
) -> None:
    """Of several processes at once, one of them killed, every product is settled just once."""
    url = new_postgresql()
    async with open_brain(url) as brain:
        await brain.upsert_products("shared", [product(str(n)) for n in range(2000)], run_id="1")
        killed = await claimer(url, "killed", limit=100, lease_s=1, manner="hold")
        assert killed.stdout is not None
        lost = (await killed.stdout.readline()).decode().split()
        killed.kill()
        await killed.communicate()
        processes = [
            await claimer(url, name, limit=50, lease_s=3600, manner="settle") for name in "xyz"
        ]
        taken: Counter[str] = Counter()
        for process in processes:
            out, err = await process.communicate()
            assert 0 == process.returncode, err.decode()
            taken.update(out.decode().split())
        assert (2000, {1}) == (len(taken), set(taken.values()))
        assert set(lost) <= taken.keys()
        assert 2000 == (await brain.count_products("shared"))[EnrichmentStatus.DONE]
