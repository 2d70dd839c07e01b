"""Writing and reading the relations of products."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Column, ColumnElement, delete, literal, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Edge, Relation
from contextworker.brain.sql import json_rows
from contextworker.brain.sql.dialects import insert_into, is_one_of
from contextworker.brain.sql.product_queries import is_id
from contextworker.brain.sql.schema import edges
from contextworker.core.errors import InvalidInputError

_TYPES: json_rows.Types = {name: edges.c[name].type for name in Edge.model_fields}
_KEY: tuple[Column[Any], ...] = (edges.c.product_id, edges.c.relation, edges.c.target)
_CURSOR: TypeAdapter[tuple[str, str, str]] = TypeAdapter(tuple[str, str, str])
_COLUMNS = [edges.c[name] for name in Edge.model_fields]


async def replace(
    connection: AsyncConnection, tenant_id: str, by_product: Mapping[str, Sequence[Edge]]
) -> None:
    """Give products these edges and no others; the products are locked."""
    stored = await connection.execute(
        select(*_COLUMNS).where(_are_of(connection, tenant_id, list(by_product)))
    )
    old = {_key(row): (row.name, row.confidence) for row in stored}
    new = {_key(item): item for given in by_product.values() for item in given}
    # Most of them stay when a product is enriched again: only what differs is written.
    begun_anew = {key[0] for key in old.keys() - new.keys()}
    if begun_anew:
        await connection.execute(
            delete(edges).where(_are_of(connection, tenant_id, sorted(begun_anew)))
        )
    changed = [
        item
        for key, item in new.items()
        if key[0] in begun_anew or old.get(key) != (item.name, item.confidence)
    ]
    await _write(connection, tenant_id, changed)


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    product_id: str | None,
    relation: Relation | None,
    target: str | None,
    limit: int,
    after: str | None,
) -> list[Edge]:
    """Return a page in the order of product, relation and target."""
    query = select(*_COLUMNS).where(edges.c.tenant_id == tenant_id)
    if product_id is not None:
        if not is_id(product_id):
            return []
        query = query.where(edges.c.product_id == product_id)
    if relation is not None:
        query = query.where(edges.c.relation == relation.value)
    if target is not None:
        query = query.where(edges.c.target == target)
    if after is not None:
        place = (
            literal(value, column.type)
            for value, column in zip(_position(after), _KEY, strict=True)
        )
        query = query.where(tuple_(*_KEY) > tuple_(*place))
    rows = await connection.execute(query.order_by(*_KEY).limit(limit))
    return [Edge.model_validate(row._asdict()) for row in rows]


def _are_of(
    connection: AsyncConnection, tenant_id: str, product_ids: Sequence[str]
) -> ColumnElement[bool]:
    return (edges.c.tenant_id == tenant_id) & is_one_of(connection, edges.c.product_id, product_ids)


async def _write(connection: AsyncConnection, tenant_id: str, items: Sequence[Edge]) -> None:
    if not items:
        return
    dialect = connection.dialect.name
    values: dict[str, ColumnElement[Any]] = {
        "tenant_id": literal(tenant_id),
        **json_rows.unpacked(dialect, _TYPES),
    }
    # SQLite takes ON CONFLICT for the start of a join unless the SELECT has a WHERE.
    rows = select(*values.values()).where(true())
    statement = insert_into(edges, dialect).from_select(list(values), rows)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "product_id", "relation", "target"],
            set_={name: statement.excluded[name] for name in ("name", "confidence")},
        ),
        json_rows.parameter([vars(item) for item in items]),
    )


def _key(item: Any) -> tuple[str, str, str]:
    return (item.product_id, str(item.relation), item.target)


def _position(cursor: str) -> tuple[str, str, str]:
    try:
        position = _CURSOR.validate_json(cursor)
    except ValidationError:
        position = None
    if position is None or not is_id(position[0]) or any("\0" in part for part in position):
        raise InvalidInputError(
            f"{cursor!r} is no place in a list of relations: give the `cursor` of the last one seen"
        )
    return position
