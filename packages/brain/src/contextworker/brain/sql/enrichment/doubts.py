"""The tasks of products that are not done: the queues that people and reopening go by.

What stands in a product's enrichment, apart from it and in the order of a page: among a million
products the few whose one task is in doubt are found without reading the others.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, delete, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Enrichment, EnrichmentStatus
from contextworker.brain.sql import json_rows
from contextworker.brain.sql.dialects import is_one_of
from contextworker.brain.sql.schema import task_doubts

NOTED: Final = frozenset(
    {EnrichmentStatus.PENDING, EnrichmentStatus.REVIEW, EnrichmentStatus.ERROR}
)
"""The statuses of tasks that are noted."""

_TYPES: json_rows.Types = {
    "product_id": task_doubts.c.product_id.type,
    "task": json_rows.TEXT,
    "status": json_rows.TEXT,
}


async def replace(connection: AsyncConnection, tenant_id: str, items: Sequence[Enrichment]) -> None:
    """Note the doubts of products as their new results have them."""
    await connection.execute(
        delete(task_doubts).where(
            task_doubts.c.tenant_id == tenant_id,
            is_one_of(connection, task_doubts.c.product_id, [item.product_id for item in items]),
        )
    )
    found = [row for item in items for row in _doubts(item)]
    if found:
        values: dict[str, ColumnElement[Any]] = {
            "tenant_id": literal(tenant_id),
            **json_rows.unpacked(connection.dialect.name, _TYPES),
        }
        await connection.execute(
            insert(task_doubts).from_select(list(values), select(*values.values())),
            json_rows.parameter(found),
        )


def noted(
    tenant_id: str, task: str, status: EnrichmentStatus, *, after: str | None = None
) -> Select[tuple[str]]:
    """Return the query of the products whose task is noted with a status, in their order."""
    query = select(task_doubts.c.product_id).where(
        task_doubts.c.task == task,
        task_doubts.c.status == status.value,
        task_doubts.c.tenant_id == tenant_id,
    )
    if after is not None:
        query = query.where(task_doubts.c.product_id > after)
    return query.order_by(task_doubts.c.product_id)


def _doubts(item: Enrichment) -> Iterator[dict[str, str]]:
    for task, entry in item.results.items():
        status = entry.get("status") if isinstance(entry, dict) else None
        if isinstance(status, str) and status in NOTED:
            yield {"product_id": item.product_id, "task": task, "status": status}
