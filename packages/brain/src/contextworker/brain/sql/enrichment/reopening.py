"""Making products pending again."""

from typing import Final

from sqlalchemy import Select, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import EnrichmentStatus
from contextworker.brain.sql.changes import LOOK_UP_BY_KEY, PLACE
from contextworker.brain.sql.dialects import is_one_of
from contextworker.brain.sql.enrichment import doubts
from contextworker.brain.sql.enrichment.locking import Place, lock
from contextworker.brain.sql.product_queries import stands
from contextworker.brain.sql.schema import products

_AT_ONCE: Final = 10_000
_PENDING: Final = EnrichmentStatus.PENDING.value


async def reopen(
    connection: AsyncConnection, tenant_id: str, *, status: EnrichmentStatus, task: str | None
) -> int:
    """Make listed products pending that stand in a status, or whose task does."""
    if connection.dialect.name == "postgresql":
        await connection.execute(LOOK_UP_BY_KEY)
    reopened, last = 0, None
    while True:
        ids = _standing(tenant_id, status, task, after=last).limit(_AT_ONCE)
        locked = await lock(connection, tenant_id, ids)
        if not locked:
            return reopened
        last = max(locked)
        due = [
            row
            for row in locked.values()
            if row.removed_at is None
            and row.enrichment_status != _PENDING
            and (task is not None or row.enrichment_status == status.value)
        ]
        if not due:
            continue
        if connection.dialect.name == "sqlite":
            are_due = is_one_of(connection, products.c.product_id, [row.product_id for row in due])
        else:
            places = [getattr(row, PLACE) for row in due]
            are_due = is_one_of(connection, literal_column("products.ctid", Place()), places)
        await connection.execute(
            update(products)
            .where(products.c.tenant_id == tenant_id, are_due)
            .values(enrichment_status=_PENDING)
        )
        reopened += len(due)


def _standing(
    tenant_id: str, status: EnrichmentStatus, task: str | None, *, after: str | None
) -> Select[tuple[str]]:
    if task is not None and status in doubts.NOTED:
        return doubts.noted(tenant_id, task, status, after=after)
    query = select(products.c.product_id).where(
        products.c.tenant_id == tenant_id, stands(status, task)
    )
    if after is not None:
        query = query.where(products.c.product_id > after)
    return query.order_by(products.c.product_id)
