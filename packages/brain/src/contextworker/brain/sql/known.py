"""Streaming what is stored of a supplier."""

from collections.abc import AsyncIterator

import polars as pl
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.frames import KNOWN_SCHEMA
from contextworker.brain.sql.schema import products

ROWS = 50_000


async def known(
    connection: AsyncConnection, tenant_id: str, *, dealer_code: str
) -> AsyncIterator[pl.DataFrame]:
    """Yield frames of `KNOWN_SCHEMA`."""
    query = select(
        products.c.sku, products.c.content_hash, products.c.removed_at.is_not(None)
    ).where(products.c.tenant_id == tenant_id, products.c.dealer_code == dealer_code)
    rows = await connection.stream(query)
    async for part in rows.partitions(ROWS):
        yield pl.DataFrame([tuple(row) for row in part], schema=KNOWN_SCHEMA, orient="row")
