"""Products as they are read: the columns, and the claimed ones at the price of their bytes."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any, Final

from pydantic_core import from_json
from sqlalchemy import ColumnElement, FromClause, Select, Text, cast, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Availability, EnrichmentStatus, Product
from contextworker.brain.sql.schema import products, suppliers
from contextworker.brain.sql.supplier_queries import is_supplier_of, last_seen_at

_FIELDS: Final = tuple(Product.model_fields)
_JSON: Final = ("params", "enrichment")
_TIMES: Final = ("first_seen_at", "last_seen_at", "updated_at")


def columns(of: FromClause) -> list[ColumnElement[Any]]:
    """Return what a product is read from, of a source that is joined with suppliers."""
    return [last_seen_at(of) if name == "last_seen_at" else of.c[name] for name in _FIELDS]


def looked_up(
    connection: AsyncConnection, tenant_id: str, ids: Select[tuple[str]]
) -> tuple[FromClause, FromClause, ColumnElement[str]]:
    """Return products that are named, each looked up by its key, and how to put them in order.

    That is the products joined with their suppliers, the products themselves, and the ids as named:
    in the order of those nothing needs to be sorted.

    What else is asked of them must be asked outside: PostgreSQL would take an index of those that
    stand so for the shorter way.
    """
    keys = ids.subquery("keys")
    is_named = (products.c.tenant_id == tenant_id) & (products.c.product_id == keys.c.product_id)
    of: FromClause = products
    if connection.dialect.name == "sqlite":
        joined = keys.join(products, is_named)
    else:
        # As in `locking`.
        of = select(products).where(is_named).offset(0).correlate(keys).lateral("found")
        joined = keys.join(of, true())
    return joined.outerjoin(suppliers, is_supplier_of(of)), of, keys.c.product_id


async def claimed(
    connection: AsyncConnection, tenant_id: str, ids: Select[tuple[str]], status: EnrichmentStatus
) -> list[Product]:
    """Return those of some products that are listed and stand in a status."""
    joined, of, _ = looked_up(connection, tenant_id, ids)
    stand_so = (of.c.enrichment_status == status.value) & of.c.removed_at.is_(None)
    if connection.dialect.name == "sqlite":
        rows = await connection.execute(select(*columns(of)).select_from(joined).where(stand_so))
        return [Product.model_validate(row._asdict()) for row in rows]
    query = select(*map(_plain, columns(of))).select_from(joined).where(stand_so)
    return [_product(row) for row in await _fetch(connection, query)]


def _plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Leave out what the driver would make of a text before we make something else of it."""
    if column.name in ("product_id", *_JSON):
        return cast(column, Text).label(column.name)
    return column


async def _fetch(connection: AsyncConnection, query: Select[Any]) -> Sequence[tuple[Any, ...]]:
    """Fetch rows past SQLAlchemy, whose own take as long again."""
    compiled = query.compile(dialect=connection.dialect)
    raw: Any = (await connection.get_raw_connection()).driver_connection
    async with raw.cursor(binary=True) as cursor:
        await cursor.execute(str(compiled), compiled.params)
        rows: Sequence[tuple[Any, ...]] = await cursor.fetchall()
    return rows


def _product(row: tuple[Any, ...]) -> Product:
    """Make a product of what was checked when it was stored.

    To check every field of every product again costs more than everything else about a claim.
    """
    values = dict(zip(_FIELDS, row, strict=True))
    for name in _JSON:
        values[name] = from_json(values[name])
    for name in _TIMES:
        values[name] = values[name].astimezone(UTC)
    values["enrichment_status"] = EnrichmentStatus(values["enrichment_status"])
    if values["availability"] is not None:
        values["availability"] = Availability(values["availability"])
    return Product.of_checked(values)
