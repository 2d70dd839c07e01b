"""Merging a batch into the products, whole or not at all.

The batch is put into a table of its own. Three statements do the rest, whatever its size: what is
new is inserted, what will change goes into the history, what changes is updated. Each sees what
other transactions have committed before it, so no change is missed where they overlap; and each
meets the rows in the order of the key, so they never wait for one another in a circle.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Insert,
    case,
    insert,
    literal,
    literal_column,
    null,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateTable, DropTable

from contextworker.brain.models import EnrichmentStatus, UpsertCounts
from contextworker.brain.sql.batch import Batch
from contextworker.brain.sql.changes import LOOK_UP_BY_KEY, PLACE, changes, is_changed, is_known
from contextworker.brain.sql.columns import UtcDateTime
from contextworker.brain.sql.dialects import insert_into
from contextworker.brain.sql.history import note_changes
from contextworker.brain.sql.incoming import COLUMNS, incoming
from contextworker.brain.sql.loading import load
from contextworker.brain.sql.schema import products

_LOOKED_UP = 20


async def merge(
    connection: AsyncConnection,
    tenant_id: str,
    batches: Sequence[Batch],
    *,
    run_id: str,
    now: datetime,
) -> UpsertCounts:
    """Store batches and count what became of their products."""
    counts = UpsertCounts()
    if connection.dialect.name == "postgresql":
        await connection.execute(LOOK_UP_BY_KEY)
    for batch in batches:
        await connection.execute(CreateTable(incoming))
        await load(connection, tenant_id, batch.frame)
        inserted = await _insert_new(connection, tenant_id, batch, now)
        updated = 0
        if inserted < batch.frame.height:
            changed = changes(connection.dialect.name, tenant_id)
            await note_changes(connection, changed, run_id=run_id, now=now)
            updated = await _update_changed(connection, tenant_id, now)
        unchanged = batch.frame.height - inserted - updated
        counts += UpsertCounts(inserted=inserted, updated=updated, unchanged=unchanged)
        await connection.execute(DropTable(incoming))
    return counts


async def _insert_new(
    connection: AsyncConnection, tenant_id: str, batch: Batch, now: datetime
) -> int:
    moment = literal(now, UtcDateTime())
    values: dict[str, ColumnElement[Any]] = {
        "tenant_id": literal(tenant_id),
        "dealer_code": literal(batch.dealer_code),
        **{name: incoming.c[name] for name in COLUMNS},
        **dict.fromkeys(("first_seen_at", "last_seen_at", "updated_at"), moment),
    }
    # SQLite takes ON CONFLICT for the start of a join unless the SELECT has a WHERE.
    rows = select(*values.values()).select_from(incoming).where(true())
    statement = insert_into(products, connection.dialect.name).from_select(list(values), rows)
    if connection.dialect.name == "postgresql":
        if not await _seems_new(connection, tenant_id, batch):
            rows = rows.where(~is_known(tenant_id))
        try:
            # A guard against conflicts costs PostgreSQL a fifth of the insert, and hardly ever has
            # one to see.
            async with connection.begin_nested():
                return await _rows_of(connection, insert(products).from_select(list(values), rows))
        except IntegrityError:
            pass  # not all of them were new, or another call has brought one of them meanwhile
    return await _rows_of(connection, statement.on_conflict_do_nothing())


async def _seems_new(connection: AsyncConnection, tenant_id: str, batch: Batch) -> bool:
    """Look a few of a batch up: where none is known, most often none of the others is."""
    ids = batch.frame["product_id"]
    some = ids.gather_every(max(1, len(ids) // _LOOKED_UP)).to_list()
    query = select(products.c.product_id).where(
        products.c.tenant_id == tenant_id, products.c.product_id.in_(some)
    )
    return (await connection.execute(query.limit(1))).first() is None


async def _rows_of(connection: AsyncConnection, statement: Insert) -> int:
    # SQLAlchemy forgets how many rows an INSERT made unless it is told to remember.
    counting = statement.execution_options(preserve_rowcount=True)
    return (await connection.execute(counting)).rowcount


async def _update_changed(connection: AsyncConnection, tenant_id: str, now: datetime) -> int:
    dialect = connection.dialect.name
    if dialect == "sqlite":
        source: FromClause = incoming
        where = is_changed(dialect, tenant_id)
    else:
        found = changes(dialect, tenant_id)
        source = select(incoming, found.stored.c[PLACE]).select_from(found.joined).subquery()
        where = (literal_column("products.ctid") == source.c[PLACE]) & (
            products.c.product_id == source.c.product_id
        )
    moment = literal(now, UtcDateTime())
    is_other = products.c.content_hash != source.c.content_hash
    values: dict[str, ColumnElement[Any]] = {
        **{name: source.c[name] for name in COLUMNS if name not in ("product_id", "sku")},
        "enrichment_status": case(
            (is_other, EnrichmentStatus.PENDING.value), else_=products.c.enrichment_status
        ),
        "updated_at": case((is_other, moment), else_=products.c.updated_at),
        "last_seen_at": moment,
        "removed_at": null(),
    }
    return (await connection.execute(update(products).where(where).values(values))).rowcount
