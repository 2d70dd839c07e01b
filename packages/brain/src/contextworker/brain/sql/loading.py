"""Putting a batch into the table `incoming`, the fastest way each database has."""

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import polars as pl
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.sql.incoming import COLUMNS, incoming

_COPY = f"COPY {incoming.name} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)"
_INSERT = f"INSERT INTO {incoming.name} VALUES (?, {', '.join('?' * len(COLUMNS))})"  # noqa: S608 # constants  # nosec B608 # constants


async def load(connection: AsyncConnection, tenant_id: str, frame: pl.DataFrame) -> None:
    """Put the rows of a frame into the table."""
    raw: Any = (await connection.get_raw_connection()).driver_connection
    if connection.dialect.name == "sqlite":
        cursor = await raw.executemany(_INSERT, _rows(tenant_id, frame))
        await cursor.close()
        return
    text = await asyncio.to_thread(_csv, frame)
    async with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write(text)


def _rows(tenant_id: str, frame: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    return frame.select(pl.lit(tenant_id).alias("tenant_id"), *COLUMNS).iter_rows()


def _csv(frame: pl.DataFrame) -> bytes:
    text = io.BytesIO()
    frame.write_csv(text, include_header=False)
    return text.getvalue()
