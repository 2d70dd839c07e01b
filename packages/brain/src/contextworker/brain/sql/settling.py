"""Storing what was found out about products."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Enrichment, Example
from contextworker.brain.sql import doubts, edge_queries, example_queries
from contextworker.brain.sql.changes import LOOK_UP_BY_KEY
from contextworker.brain.sql.claiming import is_claim, is_held_by, settled_with
from contextworker.brain.sql.product_queries import chunks, is_id
from contextworker.brain.sql.results import write_results
from contextworker.brain.sql.schema import claimed_products, claims, products


async def settle(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    claim_id: str,
    enrichments: Sequence[Enrichment],
) -> tuple[str, ...]:
    """Store the results of a claim and end it; settled before, it changes nothing."""
    if connection.dialect.name == "postgresql":
        await connection.execute(LOOK_UP_BY_KEY)
    known = await settled_with(connection, tenant_id, claim_id)
    if known is not None:
        return known
    current = await _lock_claimed(connection, tenant_id, claim_id)
    freed = await connection.scalars(
        delete(claimed_products)
        .where(is_held_by(tenant_id, claim_id))
        .returning(claimed_products.c.product_id)
    )
    held = set(freed.all())
    applied = [
        item
        for item in _last(enrichments)
        if item.product_id in held and current.get(item.product_id) == item.content_hash
    ]
    await _store(connection, tenant_id, applied)
    taken = tuple(item.product_id for item in applied)
    await connection.execute(
        update(claims).where(is_claim(tenant_id, claim_id)).values(settled=list(taken))
    )
    return taken


async def store_unclaimed(
    connection: AsyncConnection,
    tenant_id: str,
    enrichments: Sequence[Enrichment],
    *,
    examples: Sequence[Example],
) -> tuple[str, ...]:
    """Store results and the examples made of them, whoever has claimed the products."""
    if connection.dialect.name == "postgresql":
        await connection.execute(LOOK_UP_BY_KEY)
    last = _last(enrichments)
    current: dict[str, str] = {}
    for ids in chunks([item.product_id for item in last]):
        query = (
            select(products.c.product_id, products.c.content_hash)
            .where(products.c.tenant_id == tenant_id, products.c.product_id.in_(ids))
            .order_by(products.c.product_id)
            # Nobody changes the content between this look and the write; in the order of the key,
            # as all writers lock, so they never deadlock. (SQLite holds its write lock already.)
            .with_for_update()
        )
        current |= _hashes(await connection.execute(query))
    applied = [item for item in last if current.get(item.product_id) == item.content_hash]
    taken = tuple(item.product_id for item in applied)
    for ids in chunks(taken):
        # Whoever has them claimed found out less than was known since.
        await connection.execute(
            delete(claimed_products).where(
                claimed_products.c.tenant_id == tenant_id, claimed_products.c.product_id.in_(ids)
            )
        )
    await _store(connection, tenant_id, applied)
    passed_over = {item.product_id for item in enrichments} - set(taken)
    await example_queries.record(
        connection, tenant_id, [item for item in examples if item.product_id not in passed_over]
    )
    return taken


async def _lock_claimed(
    connection: AsyncConnection, tenant_id: str, claim_id: str
) -> dict[str, str]:
    """Lock a claim's products that stand as when they were claimed, and return their hashes."""
    query = (
        select(products.c.product_id, products.c.content_hash, products.c.enrichment_status)
        .join(
            claimed_products,
            (claimed_products.c.tenant_id == products.c.tenant_id)
            & (claimed_products.c.product_id == products.c.product_id),
        )
        .where(products.c.tenant_id == tenant_id, is_held_by(tenant_id, claim_id))
        .order_by(claimed_products.c.product_id)
        .with_for_update(of=products)
    )
    rows = (await connection.execute(query)).all()
    status = await connection.scalar(select(claims.c.status).where(is_claim(tenant_id, claim_id)))
    return _hashes(row for row in rows if row.enrichment_status == status)


def _hashes(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[str, str]:
    return {row.product_id: row.content_hash for row in rows}


def _last(enrichments: Sequence[Enrichment]) -> list[Enrichment]:
    """Return the last one of each product, in the order in which all writers lock products."""
    last = {item.product_id: item for item in enrichments if is_id(item.product_id)}
    return [last[key] for key in sorted(last)]


async def _store(
    connection: AsyncConnection, tenant_id: str, applied: Sequence[Enrichment]
) -> None:
    """Write results over those that the products had; the products are locked."""
    if not applied:
        return
    await write_results(connection, tenant_id, applied)
    await doubts.replace(connection, tenant_id, applied)
    with_edges = {item.product_id: item.edges for item in applied if item.edges is not None}
    if with_edges:
        await edge_queries.replace(connection, tenant_id, with_edges)
