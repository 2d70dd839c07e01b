"""Writing what was found out about products into their rows, the fastest way each database has."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Enrichment
from contextworker.brain.sql import json_rows
from contextworker.brain.sql.schema import products

_UPDATE: Final = """
UPDATE products SET enrichment = given.results::json, enrichment_status = given.status
FROM unnest(%b::text[], %b::text[], %b::text[]) AS given (product_id, status, results)
WHERE tenant_id = %s AND products.product_id = given.product_id::uuid
"""


async def write_results(
    connection: AsyncConnection, tenant_id: str, items: Sequence[Enrichment]
) -> None:
    """Write results and statuses; nobody else writes these products meanwhile."""
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
    async with raw.cursor() as cursor:
        await cursor.execute(
            _UPDATE,
            (
                [item.product_id for item in items],
                [item.status.value for item in items],
                [json_rows.encode(item.results) for item in items],
                tenant_id,
            ),
        )
