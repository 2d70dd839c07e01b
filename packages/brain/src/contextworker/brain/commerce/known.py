"""Streaming what is stored of a supplier, as far as the service has it so too."""

from collections.abc import AsyncIterator
from typing import Final

import polars as pl
from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.commerce.sent import in_step, with_sent
from contextworker.brain.frames import KNOWN_SCHEMA
from contextworker.brain.sql.known import ROWS
from contextworker.brain.sql.schema import products

_UNKNOWN_HASH: Final = ""
"""In place of a content hash: no product has it, so every product differs from it."""


async def known(
    connection: AsyncConnection, tenant_id: str, *, dealer_code: str, service: str
) -> AsyncIterator[pl.DataFrame]:
    """Yield frames of `KNOWN_SCHEMA`."""
    content_hash = case((in_step(service), products.c.content_hash), else_=_UNKNOWN_HASH)
    query = (
        select(products.c.sku, content_hash, products.c.removed_at.is_not(None))
        .select_from(with_sent())
        .where(products.c.tenant_id == tenant_id, products.c.dealer_code == dealer_code)
    )
    rows = await connection.stream(query)
    async for part in rows.partitions(ROWS):
        yield pl.DataFrame([tuple(row) for row in part], schema=KNOWN_SCHEMA, orient="row")
