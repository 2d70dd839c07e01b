"""The half of the store that enriching goes by: claims, results, examples and models."""

from collections.abc import Sequence
from datetime import timedelta

from contextworker.brain.models import (
    Claim,
    Edge,
    Enrichment,
    EnrichmentStatus,
    Example,
    ModelRecord,
    Relation,
)
from contextworker.brain.sql.database import Database
from contextworker.brain.sql.enrichment import (
    claiming,
    edge_queries,
    example_queries,
    model_queries,
    reopening,
    settling,
)


class EnrichingStore:
    """Implements what `Brain` says of enriching; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_products(
        self,
        tenant_id: str,
        *,
        claim_id: str,
        limit: int,
        lease: timedelta,
        status: EnrichmentStatus = EnrichmentStatus.PENDING,
        dealer_code: str | None = None,
    ) -> Claim:
        """Implement Brain."""
        return await self._database.write_as(
            tenant_id,
            claiming.claim,
            claim_id=claim_id,
            limit=limit,
            lease=lease,
            status=status,
            dealer_code=dealer_code,
        )

    async def renew_claim(self, tenant_id: str, *, claim_id: str, lease: timedelta) -> bool:
        """Implement Brain."""
        return await self._database.write_as(
            tenant_id, claiming.renew, claim_id=claim_id, lease=lease
        )

    async def settle_claim(
        self, tenant_id: str, *, claim_id: str, enrichments: Sequence[Enrichment]
    ) -> tuple[str, ...]:
        """Implement Brain."""
        return await self._database.write_as(
            tenant_id, settling.settle, claim_id=claim_id, enrichments=enrichments
        )

    async def store_enrichment(
        self,
        tenant_id: str,
        enrichments: Sequence[Enrichment],
        *,
        examples: Sequence[Example] = (),
    ) -> tuple[str, ...]:
        """Implement Brain."""
        return await self._database.write_as(
            tenant_id, settling.store_unclaimed, enrichments, examples=examples
        )

    async def reopen_products(
        self, tenant_id: str, *, status: EnrichmentStatus, task: str | None = None
    ) -> int:
        """Implement Brain."""
        return await self._database.write_as(tenant_id, reopening.reopen, status=status, task=task)

    async def list_edges(
        self,
        tenant_id: str,
        *,
        product_id: str | None = None,
        relation: Relation | None = None,
        target: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Edge]:
        """Implement Brain."""
        return await self._database.read_as(
            tenant_id,
            edge_queries.page,
            product_id=product_id,
            relation=relation,
            target=target,
            limit=limit,
            after=after,
        )

    async def record_examples(self, tenant_id: str, examples: Sequence[Example]) -> None:
        """Implement Brain."""
        await self._database.write_as(tenant_id, example_queries.record, examples)

    async def list_examples(
        self, tenant_id: str, *, task: str, limit: int = 1000, after: str | None = None
    ) -> list[Example]:
        """Implement Brain."""
        return await self._database.read_as(
            tenant_id, example_queries.page, task=task, limit=limit, after=after
        )

    async def record_model(self, tenant_id: str, model: ModelRecord) -> None:
        """Implement Brain."""
        await self._database.write_as(tenant_id, model_queries.record, model)

    async def list_models(
        self, tenant_id: str, *, task: str | None = None, limit: int = 100
    ) -> list[ModelRecord]:
        """Implement Brain."""
        return await self._database.read_as(tenant_id, model_queries.page, task=task, limit=limit)
