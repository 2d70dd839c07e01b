"""The tasks of products that are not done: the queues that people and reopening go by.

What stands in a product's enrichment, apart from it and in the order of a page: among a million
products the few whose one task is in doubt are found without reading the others.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, insert, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Enrichment, EnrichmentStatus
from contextworker.brain.sql import json_rows
from contextworker.brain.sql.schema import products, task_doubts

_DOUBTS: Final = frozenset(
    {EnrichmentStatus.PENDING.value, EnrichmentStatus.REVIEW.value, EnrichmentStatus.ERROR.value}
)
_TYPES: json_rows.Types = {
    "product_id": task_doubts.c.product_id.type,
    "task": json_rows.TEXT,
    "status": json_rows.TEXT,
}


async def replace(connection: AsyncConnection, tenant_id: str, items: Sequence[Enrichment]) -> None:
    """Note the doubts of products as their new results have them."""
    dialect = connection.dialect.name
    ids = json_rows.unpacked(dialect, {"product_id": _TYPES["product_id"]})
    await connection.execute(
        delete(task_doubts).where(
            task_doubts.c.tenant_id == tenant_id,
            task_doubts.c.product_id.in_(select(*ids.values())),
        ),
        json_rows.parameter([{"product_id": item.product_id} for item in items]),
    )
    found = [row for item in items for row in _doubts(item)]
    if found:
        values: dict[str, ColumnElement[Any]] = {
            "tenant_id": literal(tenant_id),
            **json_rows.unpacked(dialect, _TYPES),
        }
        await connection.execute(
            insert(task_doubts).from_select(list(values), select(*values.values())),
            json_rows.parameter(found),
        )


def is_in_doubt(status: EnrichmentStatus) -> bool:
    """Tell whether tasks of a status are noted here."""
    return status.value in _DOUBTS


def of_product(task: str, status: EnrichmentStatus) -> ColumnElement[bool]:
    """Return the condition that a product's task is noted with a status."""
    return and_(
        task_doubts.c.tenant_id == products.c.tenant_id,
        task_doubts.c.product_id == products.c.product_id,
        task_doubts.c.task == task,
        task_doubts.c.status == status.value,
    )


def stands_so(task: str, status: EnrichmentStatus) -> ColumnElement[bool]:
    """Return the condition that a product's task stands in a status."""
    if is_in_doubt(status):
        return select(literal_column("1")).where(of_product(task, status)).exists()
    stands: ColumnElement[bool] = products.c.enrichment[task]["status"].as_string() == status.value
    return stands


def _doubts(item: Enrichment) -> Iterator[dict[str, str]]:
    for task, entry in item.results.items():
        status = entry.get("status") if isinstance(entry, dict) else None
        if isinstance(status, str) and status in _DOUBTS:
            yield {"product_id": item.product_id, "task": task, "status": status}
