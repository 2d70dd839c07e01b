"""Where suppliers stand, and when their feeds last had what."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.identity import product_id
from contextworker.brain.models import LastHarvest, SupplierState
from contextworker.brain.sql import history
from contextworker.brain.sql.dialects import insert_into, is_one_of
from contextworker.brain.sql.schema import products, runs, suppliers
from contextworker.brain.sql.tenancy import OPERATORS, bind

# What one statement names.
_KEYS_PER_STATEMENT = 20_000
_IS_LISTED = products.c.removed_at.is_(None)
_COLUMNS = [suppliers.c[name] for name in SupplierState.model_fields]


def is_supplier_of(of: FromClause) -> ColumnElement[bool]:
    """Return the condition of the row of a product's supplier, if there is one."""
    return and_(
        suppliers.c.tenant_id == of.c.tenant_id, suppliers.c.dealer_code == of.c.dealer_code
    )


def last_seen_at(of: FromClause) -> ColumnElement[datetime]:
    """Return when a feed last had a product that is joined with its supplier."""
    is_seen_with_all = and_(
        of.c.removed_at.is_(None), suppliers.c.whole_seen_at > of.c.last_seen_at
    )
    seen = case((is_seen_with_all, suppliers.c.whole_seen_at), else_=of.c.last_seen_at)
    return seen.label("last_seen_at")


async def state(
    connection: AsyncConnection, tenant_id: str, *, dealer_code: str
) -> SupplierState | None:
    """Return where a supplier stands."""
    query = select(*_COLUMNS).where(
        suppliers.c.tenant_id == tenant_id, suppliers.c.dealer_code == dealer_code
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else SupplierState.model_validate(row._asdict())


async def record(
    connection: AsyncConnection, tenant_id: str, state: SupplierState, *, now: datetime
) -> None:
    """Note where a supplier stands; the same harvest noted again moves no time."""
    row = {
        "tenant_id": tenant_id,
        **state.model_dump(mode="json"),
        "whole_seen_at": now if state.is_whole else None,
    }
    insert = insert_into(suppliers, connection.dialect.name).values(row)
    new = insert.excluded
    keeps_time = (suppliers.c.run_id == new.run_id) | new.whole_seen_at.is_(None)
    changes = {name: new[name] for name in SupplierState.model_fields if name != "dealer_code"}
    await connection.execute(
        insert.on_conflict_do_update(
            index_elements=["tenant_id", "dealer_code"],
            set_={
                **changes,
                "whole_seen_at": case(
                    (keeps_time, suppliers.c.whole_seen_at), else_=new.whole_seen_at
                ),
            },
        )
    )


async def mark_seen(
    connection: AsyncConnection,
    tenant_id: str,
    skus: Sequence[str],
    *,
    dealer_code: str,
    now: datetime,
) -> None:
    """Note that a feed has products."""
    for are_named in _named(connection, tenant_id, skus, dealer_code):
        if await _lock(connection, are_named):
            mark = update(products).where(are_named, _IS_LISTED)
            await connection.execute(mark.values(last_seen_at=now))


async def remove(
    connection: AsyncConnection,
    tenant_id: str,
    skus: Sequence[str],
    *,
    dealer_code: str,
    run_id: str,
    now: datetime,
) -> int:
    """Mark products as removed and return how many were not."""
    whole_seen_at = await connection.scalar(
        select(suppliers.c.whole_seen_at).where(
            suppliers.c.tenant_id == tenant_id, suppliers.c.dealer_code == dealer_code
        )
    )
    # What is noted of the supplier says nothing of the product any more from here on.
    last_seen_at = products.c.last_seen_at
    last_seen = (
        case((last_seen_at < whole_seen_at, whole_seen_at), else_=last_seen_at)
        if whole_seen_at
        else last_seen_at
    )
    removed = 0
    for are_named in _named(connection, tenant_id, skus, dealer_code):
        if not await _lock(connection, are_named):
            continue
        are_listed = are_named & _IS_LISTED
        await history.note_removals(connection, are_listed, run_id=run_id, now=now)
        mark = update(products).where(are_listed)
        marked = await connection.execute(mark.values(removed_at=now, last_seen_at=last_seen))
        removed += marked.rowcount
    return removed


async def last_harvests(connection: AsyncConnection) -> list[LastHarvest]:
    """Return when each supplier's latest completed harvest ended, of all tenants."""
    await bind(connection, OPERATORS)
    ended_at = func.coalesce(runs.c.finished_at, runs.c.started_at, type_=runs.c.started_at.type)
    query = select(
        suppliers.c.tenant_id,
        suppliers.c.dealer_code.label("supplier_code"),
        ended_at.label("finished_at"),
    ).join(
        runs,
        and_(runs.c.tenant_id == suppliers.c.tenant_id, runs.c.run_id == suppliers.c.run_id),
    )
    rows = await connection.execute(query)
    return [LastHarvest.model_validate(row._asdict()) for row in rows]


def _named(
    connection: AsyncConnection, tenant_id: str, skus: Sequence[str], dealer_code: str
) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that name products, in the order of the key throughout."""
    ids = sorted({product_id(tenant_id, dealer_code, sku) for sku in skus})
    for start in range(0, len(ids), _KEYS_PER_STATEMENT):
        part = ids[start : start + _KEYS_PER_STATEMENT]
        yield (products.c.tenant_id == tenant_id) & is_one_of(
            connection, products.c.product_id, part
        )


async def _lock(connection: AsyncConnection, are_named: ColumnElement[bool]) -> int:
    """Lock products in the order of the key, as all writers do, and return how many.

    By name alone: whether one is removed may change until it is locked, and what is done with it
    sees the latest. One left out here would be met there, out of its turn.
    """
    locked = (
        select(products.c.product_id)
        .where(are_named)
        .order_by(products.c.product_id)
        .with_for_update(of=products)
        .subquery()
    )
    found = await connection.execute(select(func.count()).select_from(locked))
    return found.scalar_one()
