"""Streaming what is stored of a supplier. Needs the extra `frames`."""

from collections.abc import AsyncIterator
from typing import Any

import polars as pl
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.frames import KNOWN_SCHEMA

ROWS = 50_000
_QUERY = (
    "SELECT sku, content_hash, removed_at IS NOT NULL FROM products "
    "WHERE tenant_id = {0} AND dealer_code = {0}"
)


async def known(
    connection: AsyncConnection, tenant_id: str, *, dealer_code: str
) -> AsyncIterator[pl.DataFrame]:
    """Yield frames of `KNOWN_SCHEMA`.

    Past SQLAlchemy, whose rows take three times as long as the driver's.
    """
    raw: Any = (await connection.get_raw_connection()).driver_connection
    if connection.dialect.name == "sqlite":
        cursor, query = await raw.cursor(), _QUERY.format("?")
    else:
        # A cursor of the server: without a name all rows would come at once.
        cursor, query = raw.cursor("brain_known", binary=True), _QUERY.format("%s")
    async with cursor:
        await cursor.execute(query, (tenant_id, dealer_code))
        while rows := await cursor.fetchmany(ROWS):
            yield pl.DataFrame(rows, schema=dict(KNOWN_SCHEMA), orient="row")
