"""What a strike does where another one comes before it."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from faults.schedule import Fault
from faults.strikes import STRIKES, NotHereError
from harness.postgresql import PostgreSQL, postgresql
from harness.system import ChaosSystem

LOCK = Fault(0, "lock", "brain")


@pytest.fixture
def brain(tmp_path: Path) -> Iterator[PostgreSQL]:
    """A database of its own."""
    with postgresql(tmp_path, os.environ) as server:
        server.process.start()
        yield server


async def test_a_lock_stands_in_the_way_until_it_is_over(brain: PostgreSQL) -> None:
    """Others wait for the table, and have it afterwards."""
    await brain.answers()
    async with await psycopg.AsyncConnection.connect(brain.url, autocommit=True) as other:
        await other.execute("CREATE TABLE products (sku text)")
        await other.execute("SET lock_timeout = '200ms'")
        async with STRIKES["lock"](_system(brain), LOCK):
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await other.execute("SELECT * FROM products")

        await other.execute("SELECT * FROM products")


async def test_a_lock_is_left_out_where_postgresql_dies_as_it_is_taken(
    brain: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends every connection for one killed backend, the strike's own one too."""
    await brain.answers()
    connect = psycopg.AsyncConnection.connect

    async def just_before(url: str, **options: Any) -> psycopg.AsyncConnection[Any]:
        connection = await connect(url, **options)
        for process in brain.process.family()[1:]:
            if b"[local]" in " ".join(process.cmdline()).encode():
                process.kill()
        await asyncio.sleep(0.1)  # its server notices
        return connection

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", just_before)

    with pytest.raises(NotHereError, match="PostgreSQL was down"):
        async with STRIKES["lock"](_system(brain), LOCK):
            pass


def _system(brain: PostgreSQL) -> ChaosSystem:
    return cast("ChaosSystem", SimpleNamespace(brain=brain))
