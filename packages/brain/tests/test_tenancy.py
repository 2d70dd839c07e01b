"""Row-level security: what SQL can do that runs as one tenant, whatever it says."""

import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, RaiseException
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Json

from contextworker.brain import (
    Brain,
    Edge,
    Enrichment,
    EnrichmentStatus,
    Example,
    ModelRecord,
    ProductRecord,
    RejectRecord,
    Relation,
    SupplierState,
    open_brain,
)
from contextworker.brain.frames import frame_of
from contextworker.brain.sql.schema import metadata
from contextworker.brain.sql.tenancy import OPERATORS

NewUrl = Callable[[], str]
TABLES = sorted(metadata.tables)


@dataclass(frozen=True)
class Bound:
    """A database's URLs as its ordinary owner, and as the superuser."""

    owner: str
    superuser: str


@pytest.fixture(scope="module")
def bound(new_postgresql: NewUrl) -> Bound:
    """Make a database that an ordinary role owns."""
    superuser = new_postgresql()
    name = psycopg.conninfo.conninfo_to_dict(superuser)["dbname"]
    role = f"owner_of_{name}"
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(role)))
        connection.execute(
            SQL("ALTER DATABASE {} OWNER TO {}").format(Identifier(str(name)), Identifier(role))
        )
    return Bound(owner=re.sub("//[^@]*@", f"//{role}@", superuser), superuser=superuser)


async def fill(brain: Brain, tenant: str) -> None:
    """Put rows of a tenant into the tables that a store writes."""
    item = ProductRecord(sku="a", name="Tent", dealer_code="d")
    await brain.start_run(tenant, run_id="1", workflow_id="w", supplier_code="d")
    await brain.store_products(tenant, frame_of([item]), dealer_code="d", run_id="1")
    await brain.remove_products(tenant, ["a"], dealer_code="d", run_id="1")
    await brain.store_products(tenant, frame_of([item]), dealer_code="d", run_id="1")
    state = SupplierState(dealer_code="d", run_id="1", config_digest="c")
    await brain.record_supplier(tenant, state)
    reject = RejectRecord(source="s", row_number=1, reason_code="x", reason="y")
    await brain.record_rejects(tenant, run_id="1", rejects=[reject])
    (found,) = await brain.list_products(tenant)
    at = datetime.now(UTC)
    enrichment = Enrichment(
        product_id=found.product_id,
        content_hash=found.content_hash,
        status=EnrichmentStatus.REVIEW,
        results={"ner": {"status": "review"}},
        edges=(
            Edge(
                product_id=found.product_id,
                relation=Relation.BRAND,
                target="x",
                name="X",
                confidence=1,
            ),
        ),
    )
    example = Example(example_id="e", task="ner", text={}, label={}, decided_by="me", decided_at=at)
    await brain.store_enrichment(tenant, [enrichment], examples=[example])
    await brain.reopen_products(tenant, status=EnrichmentStatus.REVIEW)
    await brain.claim_products(tenant, claim_id="c", limit=1, lease=timedelta(minutes=1))
    await brain.record_model(
        tenant,
        ModelRecord(
            task="ner",
            version="1",
            object_key="k",
            size=1,
            examples=1,
            scores={},
            trained_by="me",
            trained_at=at,
        ),
    )


@pytest.fixture(scope="module")
async def filled(bound: Bound) -> Bound:
    """Put rows of the tenants A and B into every table, through the store as the owner."""
    async with open_brain(bound.owner) as brain:
        for tenant in "AB":
            await fill(brain, tenant)
            assert ["a"] == [item.sku for item in await brain.list_products(tenant)]
    with psycopg.connect(bound.superuser) as connection:
        connection.execute(
            "INSERT INTO commerce_products SELECT tenant_id, product_id, 's', 'i', 'm' "
            "FROM products"
        )
    return bound


@pytest.fixture
def connection(filled: Bound) -> Iterator[psycopg.Connection]:
    """Connect as the ordinary owner, with nobody's tenant."""
    with psycopg.connect(filled.owner) as opened:
        yield opened
        opened.rollback()


def run_as(connection: psycopg.Connection, tenant: str) -> None:
    """Bind the transaction to a tenant, as the store does."""
    connection.execute("SELECT set_config('contextworker.tenant', %s, true)", [tenant])


def tenants(connection: psycopg.Connection, table: str) -> list[str]:
    """Return whose rows SQL sees in a table."""
    found = connection.execute(f"SELECT DISTINCT tenant_id FROM {table} ORDER BY 1".encode())
    return [tenant for (tenant,) in found]


@pytest.mark.parametrize("table", TABLES)
def test_reads_its_own(filled: Bound, connection: psycopg.Connection, table: str) -> None:
    """SQL of a tenant sees that tenant's rows; SQL of nobody sees none."""
    with psycopg.connect(filled.superuser) as superuser:
        assert ["A", "B"] == tenants(superuser, table)
    assert [] == tenants(connection, table)
    run_as(connection, "A")
    assert ["A"] == tenants(connection, table)
    connection.rollback()
    assert [] == tenants(connection, table)


@pytest.mark.parametrize("table", [name for name in TABLES if name != "product_history"])
def test_changes_its_own(filled: Bound, connection: psycopg.Connection, table: str) -> None:
    """SQL of a tenant changes and deletes its own rows only, and makes none for others."""
    run_as(connection, "A")
    for statement in (
        f"UPDATE {table} SET tenant_id = 'A' WHERE tenant_id = 'B'",
        f"DELETE FROM {table} WHERE tenant_id = 'B'",
    ):
        assert 0 == connection.execute(statement.encode()).rowcount
    with pytest.raises(InsufficientPrivilege), connection.transaction():
        connection.execute(f"UPDATE {table} SET tenant_id = 'B'".encode())
    assert 1 == connection.execute(f"DELETE FROM {table}".encode()).rowcount
    connection.rollback()


@pytest.mark.parametrize("table", TABLES)
def test_adds_its_own(filled: Bound, connection: psycopg.Connection, table: str) -> None:
    """SQL of a tenant can add no row of another, nor can SQL of nobody; its own it can."""
    columns = [column.name for column in metadata.tables[table].columns if column.identity is None]
    with psycopg.connect(filled.superuser) as superuser:
        values = superuser.execute(
            f"SELECT {', '.join(columns)} FROM {table} WHERE tenant_id = 'B' LIMIT 1".encode()
        ).fetchone()
    assert values is not None
    row = dict(zip(columns, values, strict=True))
    for name in ("product_id", "run_id"):
        if name in row:
            row[name] = str(uuid4())
    given = {
        name: Json(value) if isinstance(value, dict | list) else value
        for name, value in row.items()
    }
    insert = (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"VALUES ({', '.join(f'%({name})s' for name in columns)})"
    ).encode()
    for binding in (None, "A"):
        if binding is not None:
            run_as(connection, binding)
        with pytest.raises(InsufficientPrivilege), connection.transaction():
            connection.execute(insert, given)
    run_as(connection, "C")
    assert 1 == connection.execute(insert, given | {"tenant_id": "C"}).rowcount


@pytest.mark.parametrize("table", TABLES)
def test_operators_read_runs_of_all_and_change_nothing(
    connection: psycopg.Connection, table: str
) -> None:
    """Bound as the store's one call for operators is, SQL sees when suppliers were harvested."""
    run_as(connection, OPERATORS)
    assert (["A", "B"] if table in {"runs", "suppliers"} else []) == tenants(connection, table)
    if table != "product_history":
        assert 0 == connection.execute(f"DELETE FROM {table}".encode()).rowcount
        changed = connection.execute(f"UPDATE {table} SET tenant_id = 'A'".encode())
        assert 0 == changed.rowcount


async def test_a_tenant_of_the_operators_name_reads_nothing_of_others(filled: Bound) -> None:
    """Whoever gets that far with it as a tenant's id: statements ask for that tenant's rows."""
    async with open_brain(filled.owner) as brain:
        assert {"A", "B"} == {last.tenant_id for last in await brain.last_harvests()}
        assert [] == await brain.list_runs(OPERATORS)
        assert await brain.supplier_state(OPERATORS, dealer_code="d") is None
        # A pooled connection is bound to one transaction's tenant only.
        assert ["d"] == [run.supplier_code for run in await brain.list_runs("A")]


@pytest.mark.parametrize("statement", ["UPDATE {} SET new = NULL", "DELETE FROM {}", "TRUNCATE {}"])
def test_history_is_only_added_to(connection: psycopg.Connection, statement: str) -> None:
    """Not even the owner of the tables changes what the history says."""
    run_as(connection, "A")
    with pytest.raises(RaiseException, match="only ever added to"):
        connection.execute(statement.format("product_history").encode())


async def test_history_is_only_added_to_in_a_file(new_sqlite: NewUrl) -> None:
    """SQLite refuses it as well."""
    url = new_sqlite()
    async with open_brain(url) as brain:
        await fill(brain, "A")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
        for statement in ("UPDATE product_history SET new = NULL", "DELETE FROM product_history"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
                file.execute(statement)


async def test_superuser_is_told(bound: Bound, caplog: pytest.LogCaptureFixture) -> None:
    """Opening as somebody whom the policies do not hold for is warned of; as the owner not."""
    with caplog.at_level(logging.WARNING):
        async with open_brain(bound.owner):
            assert [] == caplog.messages
        async with open_brain(bound.superuser):
            pass
    (message,) = caplog.messages
    assert "row-level security does not hold for" in message
