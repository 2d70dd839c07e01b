"""Locking products that are named, each found by its key.

PostgreSQL would go by what it believes of the tables, and it may know nothing of either yet: left
to choose, it goes through a tenant's products for every product that is named.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import UserDefinedType

from contextworker.brain.sql.changes import PLACE
from contextworker.brain.sql.schema import products


class Place(UserDefinedType[str]):
    """Where PostgreSQL keeps a row."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the name of the type."""
        return "tid"


Locked = Mapping[str, Row[*tuple[Any, ...]]]
"""Locked products by id: what stands of them in `_READ`, and the place of the row."""

_READ = ("product_id", "content_hash", "enrichment_status", "removed_at")


async def lock(
    connection: AsyncConnection,
    tenant_id: str,
    named: Select[tuple[str]],
    parameters: Mapping[str, str] | None = None,
) -> Locked:
    """Lock products and return of each, by its id, where it is and as what it stands.

    Args:
        connection: A transaction that writes.
        tenant_id: Whose.
        named: Their ids in the order of the key: all writers lock in it, and never deadlock.
        parameters: Of `named`.
    """
    keys = named.subquery("keys")
    is_named: ColumnElement[bool] = (products.c.tenant_id == tenant_id) & (
        products.c.product_id == keys.c.product_id
    )
    columns = [products.c[name] for name in _READ]
    if connection.dialect.name == "sqlite":
        # It holds the lock on all of the file.
        query: Select[*tuple[Any, ...]] = select(*columns).join_from(keys, products, is_named)
    else:
        # With an OFFSET it is no join that could be turned around.
        found = (
            select(*columns, literal_column("products.ctid").label(PLACE))
            .where(is_named)
            .offset(0)
            .with_for_update()
            .correlate(keys)
            .lateral("found")
        )
        query = select(found).select_from(keys.join(found, true()))
    rows = await connection.execute(query, parameters)
    return {row.product_id: row for row in rows}
