"""Storing what was found out about products."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import Enrichment, Example
from contextworker.brain.sql import json_rows
from contextworker.brain.sql.changes import LOOK_UP_BY_KEY
from contextworker.brain.sql.dialects import is_one_of
from contextworker.brain.sql.enrichment import doubts, edge_queries, example_queries
from contextworker.brain.sql.enrichment.claiming import held_ids, is_claim, is_held_by, settled_with
from contextworker.brain.sql.enrichment.locking import Locked, lock
from contextworker.brain.sql.enrichment.results import write_results
from contextworker.brain.sql.product_queries import is_id
from contextworker.brain.sql.schema import claimed_products, claims, products

_ID: json_rows.Types = {"product_id": products.c.product_id.type}


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
    current = await lock(connection, tenant_id, held_ids(tenant_id, claim_id))
    status = await connection.scalar(select(claims.c.status).where(is_claim(tenant_id, claim_id)))
    freed = await connection.scalars(
        delete(claimed_products)
        .where(is_held_by(tenant_id, claim_id))
        .returning(claimed_products.c.product_id)
    )
    # What was locked may have been taken over while this waited for the lock.
    held = {key for key in freed if key in current and current[key].enrichment_status == status}
    applied = [item for item in _current(enrichments, current) if item.product_id in held]
    taken = await _store(connection, tenant_id, applied, current)
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
    ids = sorted({item.product_id for item in enrichments if is_id(item.product_id)})
    (key,) = json_rows.unpacked(connection.dialect.name, _ID).values()
    named = select(key.label("product_id"))
    parameter = json_rows.parameter([{"product_id": key} for key in ids])
    current = await lock(connection, tenant_id, named, parameter)
    wanted = await _over_what_stands(connection, tenant_id, _current(enrichments, current))
    taken = await _store(connection, tenant_id, wanted, current)
    # Whoever has them claimed found out less than was known since.
    await connection.execute(
        delete(claimed_products).where(
            claimed_products.c.tenant_id == tenant_id,
            is_one_of(connection, claimed_products.c.product_id, taken),
        )
    )
    passed_over = {item.product_id for item in enrichments} - set(taken)
    await example_queries.record(
        connection, tenant_id, [item for item in examples if item.product_id not in passed_over]
    )
    return taken


def _current(enrichments: Iterable[Enrichment], current: Locked) -> list[Enrichment]:
    """Return those of products that still have the content; of a repeated one, the last."""
    last = {item.product_id: item for item in enrichments}
    return [
        item
        for key, item in sorted(last.items())
        if key in current and current[key].content_hash == item.content_hash
    ]


async def _over_what_stands(
    connection: AsyncConnection, tenant_id: str, wanted: Sequence[Enrichment]
) -> list[Enrichment]:
    """Return those that go over the results they were made from; the products are locked."""
    ids = [item.product_id for item in wanted if item.over is not None]
    found = await connection.execute(
        select(products.c.product_id, products.c.enrichment).where(
            products.c.tenant_id == tenant_id, is_one_of(connection, products.c.product_id, ids)
        )
    )
    stands: dict[str, object] = {row.product_id: row.enrichment for row in found}
    return [
        item for item in wanted if item.over is None or item.over == stands.get(item.product_id)
    ]


async def _store(
    connection: AsyncConnection,
    tenant_id: str,
    applied: Sequence[Enrichment],
    locked: Locked,
) -> tuple[str, ...]:
    """Write results over those that the products had, and return whose."""
    if not applied:
        return ()
    await write_results(connection, tenant_id, applied, locked)
    await doubts.replace(connection, tenant_id, applied)
    with_edges = {item.product_id: item.edges for item in applied if item.edges is not None}
    if with_edges:
        await edge_queries.replace(connection, tenant_id, with_edges)
    return tuple(item.product_id for item in applied)
