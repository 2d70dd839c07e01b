"""Writing what was found out about products into their rows, the fastest way each database has."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Enrichment
from contextworker.brain.sql.enrichment.locking import Locked
from contextworker.brain.sql.schema import products

# By the place of the row, which stays while it is locked. The arrays are cast as a whole: row-level
# security lets no row be found by what may fail on one.
_UPDATE: Final = """
UPDATE products SET enrichment = given.results::json, enrichment_status = given.status
FROM unnest(%b::text[]::tid[], %b::text[], %b::text[]) AS given (place, status, results)
WHERE tenant_id = %s AND products.ctid = given.place
"""
# By their places, and in no other way: where PostgreSQL believes that a tenant has few products, it
# would rather go through all of them for every one.
_WAYS: Final = (
    "SELECT set_config('enable_indexscan', %s, true), set_config('enable_material', %s, true)"
)


async def write_results(
    connection: AsyncConnection, tenant_id: str, items: Sequence[Enrichment], locked: Locked
) -> None:
    """Write results and statuses into locked products."""
    if connection.dialect.name == "sqlite":
        await connection.execute(
            update(products)
            .where(
                products.c.tenant_id == tenant_id, products.c.product_id == bindparam("target_id")
            )
            .values(enrichment=bindparam("results"), enrichment_status=bindparam("outcome")),
            [
                {
                    "target_id": item.product_id,
                    "results": item.results,
                    "outcome": item.status.value,
                }
                for item in items
            ],
        )
        return
    # Arrays in the driver's binary form: neither side escapes the texts, nor parses them twice.
    raw: Any = (await connection.get_raw_connection()).driver_connection
    values = (
        [locked[item.product_id].place for item in items],
        [item.status.value for item in items],
        [item.results_json for item in items],
    )
    async with raw.cursor() as cursor:
        await cursor.execute(_WAYS, ("off", "off"))
        await cursor.execute(_UPDATE, (*values, tenant_id))
        await cursor.execute(_WAYS, ("on", "on"))
