"""What tests of claims and of what is learned share."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from contextworker.brain import Brain, Claim, Edge, Enrichment, EnrichmentStatus, Product, Relation
from contextworker.brain.sql.schema import claims

LEASE = timedelta(hours=1)
"""Longer than any test takes: what one holds, it holds."""


def enrichment(
    item: Product, status: str = "done", *, edges: tuple[Edge, ...] | None = None, **results: Any
) -> Enrichment:
    """Return an enrichment of a product as it is."""
    return Enrichment(
        product_id=item.product_id,
        content_hash=item.content_hash,
        status=EnrichmentStatus(status),
        results=results,
        edges=edges,
    )


def edge(
    item: Product,
    target: str = "fjäll",
    relation: Relation = Relation.BRAND,
    *,
    name: str = "Fjäll",
    confidence: float = 0.5,
) -> Edge:
    """Return a relation of a product."""
    return Edge(
        product_id=item.product_id,
        relation=relation,
        target=target,
        name=name,
        confidence=confidence,
    )


async def claim(
    brain: Brain,
    tenant: str,
    claim_id: str = "c1",
    *,
    limit: int = 10,
    lease: timedelta = LEASE,
    status: str = "pending",
    dealer_code: str | None = None,
) -> Claim:
    """Claim products."""
    return await brain.claim_products(
        tenant,
        claim_id=claim_id,
        limit=limit,
        lease=lease,
        status=EnrichmentStatus(status),
        dealer_code=dealer_code,
    )


async def end_lease(brain: Any, tenant: str, claim_id: str, ago: timedelta = LEASE) -> None:
    """Have a claim's lease end some time ago, as if that had passed."""
    ended = update(claims).where(claims.c.tenant_id == tenant, claims.c.claim_id == claim_id)

    async def end(connection: Any, _tenant: str) -> None:
        await connection.execute(ended.values(expires_at=datetime.now(UTC) - ago))

    await brain._database.write_as(tenant, end)
