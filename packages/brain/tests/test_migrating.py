"""The schema: made, found, made once by many, and refused where it is not what is needed."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain import (
    EnrichmentStatus,
    ProductRecord,
    UpsertCounts,
    open_brain,
    product_id,
)
from contextworker.brain.settings import BrainSettings
from contextworker.brain.sql import migrating
from contextworker.brain.sql.database import open_database
from contextworker.brain.sql.migrating import HEAD, VERSION_TABLE, migrate
from contextworker.brain.sql.schema import metadata
from contextworker.brain.sql.urls import parse_url
from contextworker.core.errors import ConfigurationError

NewUrl = Callable[[], str]


async def execute(url: str, statement: str) -> None:
    """Run a statement past the store."""
    async with open_database(parse_url(url), BrainSettings()) as database:
        await database.write(AsyncConnection.execute, text(statement))


def upgrade_to(connection: Connection, revision: str = "0001") -> None:
    """Make the schema that there was once."""
    config = Config()
    config.set_main_option("script_location", str(migrating._SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def differences(connection: Connection) -> list[object]:
    """Return what autogenerate would still change."""
    options = {"version_table": VERSION_TABLE, "compare_type": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_migrations_make_the_schema(new_url: NewUrl) -> None:
    """From nothing the migrations make exactly the tables that the code describes."""
    url = new_url()
    assert HEAD == await migrate(url)
    async with open_database(parse_url(url), BrainSettings()) as database:
        assert [] == await database.read(AsyncConnection.run_sync, differences)


def test_head_is_the_last_migration() -> None:
    """The revision that openings look for is the one that migrations end in."""
    config = Config()
    config.set_main_option("script_location", str(migrating._SCRIPTS))
    assert HEAD == ScriptDirectory.from_config(config).get_current_head()


async def test_migrate_again(new_url: NewUrl) -> None:
    """Migrating what is at head changes nothing, and opening it neither."""
    url = new_url()
    await migrate(url)
    async with open_brain(url) as brain:
        await brain.start_run("t", run_id="1", workflow_id="w", supplier_code="s")
    await migrate(url)
    async with open_brain(url) as brain:
        assert 1 == len(await brain.list_runs("t"))


async def test_first_schema_is_brought_along(new_url: NewUrl) -> None:
    """What a Brain of the first schema holds is there after migrating, and takes new batches."""
    url = new_url()
    async with open_database(parse_url(url), BrainSettings()) as database:
        await database.write(AsyncConnection.run_sync, upgrade_to)
    key = product_id("t", "d", "a")
    columns = "tenant_id, product_id, dealer_code, sku, dealer_name, name, price_retail, params"
    gone = "search_text, inserted_run_id, seen_run_id, counted_call"
    await execute(
        url,
        f"INSERT INTO products ({columns}, status, content_hash, {gone}, enrichment_status, "
        "first_seen_at, last_seen_at, updated_at) "
        f"VALUES ('t', '{key}', 'd', 'a', '', 'Tent', '10.50', '{{}}', 'active', 'old', "
        "'', '1', '1', '1', 'done', "
        "'2026-01-01 00:00:00.000000', '2026-01-02 00:00:00.000000', '2026-01-01 00:00:00.000000')",
    )
    async with open_brain(url) as brain:
        (found,) = await brain.list_products("t")
        assert (key, "Tent", "done") == (found.product_id, found.name, found.enrichment_status)
        same_price = ProductRecord(sku="a", name="Tent", dealer_code="d", price_retail="10.5")
        counts = await brain.upsert_products("t", [same_price], run_id="1")
        assert UpsertCounts(updated=1) == counts
        assert [] == await brain.product_history("t", sku="a")


async def test_doubts_are_found_in_what_is_there(new_url: NewUrl) -> None:
    """What the gardener left in doubt before claims were is in the queues, for every tenant."""
    url = new_url()
    async with open_database(parse_url(url), BrainSettings()) as database:
        await database.write(AsyncConnection.run_sync, upgrade_to, "0003")
    enrichment = (
        '{"taxonomy": {"status": "review"}, "ner": {"status": "done"}, "odd": "x", "none": null, '
        '"params": {"status": "error"}, "nested": {"status": {"a": 1}}, "list": ["review"]}'
    )
    for tenant in ("t", "u"):
        key = product_id(tenant, "d", "a")
        await execute(
            url,
            "INSERT INTO products (tenant_id, product_id, dealer_code, sku, dealer_name, name, "
            "params, status, content_hash, enrichment, enrichment_status, first_seen_at, "
            f"last_seen_at, updated_at) VALUES ('{tenant}', '{key}', 'd', 'a', '', 'Tent', '{{}}', "
            f"'active', 'h', '{enrichment}', 'error', "
            "'2026-01-01 00:00:00.000000', '2026-01-02 00:00:00.000000', "
            "'2026-01-01 00:00:00.000000')",
        )
    async with open_brain(url) as brain:
        for tenant in ("t", "u"):
            review, error = EnrichmentStatus.REVIEW, EnrichmentStatus.ERROR
            (found,) = await brain.list_products(tenant, task="taxonomy", enrichment_status=review)
            assert ("error", 7) == (found.enrichment_status, len(found.enrichment))
            assert 1 == await brain.reopen_products(tenant, task="params", status=error)
            for task in ("ner", "odd", "none", "nested", "list"):
                assert [] == await brain.list_products(tenant, task=task, enrichment_status=review)
            claimed = await brain.claim_products(
                tenant, claim_id="c", limit=9, lease=timedelta(minutes=1)
            )
            assert ["a"] == [item.sku for item in claimed.products]


async def test_many_processes_at_once(
    new_url: NewUrl, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Processes that start at once, in any folder, all find the schema made, once."""
    url = new_url()
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "contextworker.brain",
            env={**environment, "BRAIN_URL": url},
            cwd=tmp_path,
            stdout=PIPE,
            stderr=PIPE,
        )
        for _ in range(3)
    ]
    outcomes = await asyncio.gather(*(process.communicate() for process in processes))
    said = f"the Brain's schema is at revision {HEAD}\n".encode()
    assert [(said, b"")] * 3 == outcomes
    assert [0] * 3 == [process.returncode for process in processes]


async def test_command_fails_in_a_line(environment: dict[str, str]) -> None:
    """The command says in one line what is wrong, without a traceback or the password."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "contextworker.brain",
        env={**environment, "BRAIN_URL": "mysql://u:secret@h/d"},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert (1, b"") == (process.returncode, out)
    assert 1 == err.count(b"\n")
    assert err.startswith(b"BRAIN_URL has the unknown scheme 'mysql'")
    assert b"secret" not in err


async def test_newer_schema(new_url: NewUrl) -> None:
    """A schema from a later version of this package is left alone, and said to be newer."""
    url = new_url()
    await migrate(url)
    await execute(url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="revision 9999, which is newer"):
        await migrate(url)


async def test_migrating_switched_off(new_url: NewUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    """With BRAIN_MIGRATE off, opening insists on a schema that somebody else made."""
    url = new_url()
    monkeypatch.setenv("BRAIN_MIGRATE", "off")
    with pytest.raises(ConfigurationError, match="at revision none and must be at"):
        async with open_brain(url):
            pass
    await migrate(url)
    async with open_brain(url) as brain:
        await brain.ping()


async def test_tables_lost(new_url: NewUrl) -> None:
    """A store whose tables are gone says so, and what to do."""
    url = new_url()
    async with open_brain(url) as brain:
        await execute(url, "DROP TABLE products")
        with pytest.raises(ConfigurationError, match="lacks its tables"):
            await brain.list_products("t")
