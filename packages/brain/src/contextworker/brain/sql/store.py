"""The Brain in an SQL database: SQLite or PostgreSQL through SQLAlchemy."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import (
    Enrichment,
    EnrichmentStatus,
    Product,
    ProductRecord,
    Reject,
    RejectRecord,
    RunRecord,
    RunStatus,
    UpsertCounts,
)
from contextworker.brain.protocol import NO_COUNTS
from contextworker.brain.sql import product_queries, reject_queries, run_queries
from contextworker.brain.sql.database import Database
from contextworker.brain.sql.upsert import upsert


class SqlBrain:
    """Implements `Brain`: each method is one transaction around one or a few statements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> None:
        """Implement Brain."""
        await self._database.read(_answer)

    async def upsert_products(
        self, tenant_id: str, products: Sequence[ProductRecord], *, run_id: str
    ) -> UpsertCounts:
        """Implement Brain."""
        return await self._database.write(upsert, tenant_id, products, run_id=run_id, now=_now())

    async def get_products(self, tenant_id: str, product_ids: Sequence[str]) -> list[Product]:
        """Implement Brain."""
        return await self._database.read(product_queries.by_ids, tenant_id, product_ids)

    async def list_products(
        self,
        tenant_id: str,
        *,
        limit: int = 100,
        after: str | None = None,
        dealer_code: str | None = None,
        enrichment_status: EnrichmentStatus | None = None,
        search: str | None = None,
    ) -> list[Product]:
        """Implement Brain."""
        return await self._database.read(
            product_queries.page,
            tenant_id,
            limit=limit,
            after=after,
            dealer_code=dealer_code,
            enrichment_status=enrichment_status,
            search=search,
        )

    async def pending_products(
        self, tenant_id: str, *, limit: int, dealer_code: str | None = None
    ) -> list[Product]:
        """Implement Brain."""
        return await self.list_products(
            tenant_id,
            limit=limit,
            dealer_code=dealer_code,
            enrichment_status=EnrichmentStatus.PENDING,
        )

    async def store_enrichment(self, tenant_id: str, enrichments: Sequence[Enrichment]) -> int:
        """Implement Brain."""
        return await self._database.write(product_queries.store_enrichment, tenant_id, enrichments)

    async def count_products(self, tenant_id: str) -> dict[EnrichmentStatus, int]:
        """Implement Brain."""
        return await self._database.read(product_queries.count, tenant_id)

    async def brand_names(self, tenant_id: str, *, limit: int) -> list[str]:
        """Implement Brain."""
        return await self._database.read(product_queries.brand_names, tenant_id, limit=limit)

    async def record_rejects(
        self, tenant_id: str, *, run_id: str, rejects: Sequence[RejectRecord]
    ) -> None:
        """Implement Brain."""
        await self._database.write(
            reject_queries.record, tenant_id, rejects, run_id=run_id, now=_now()
        )

    async def list_rejects(
        self,
        tenant_id: str,
        *,
        run_id: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Reject]:
        """Implement Brain."""
        return await self._database.read(
            reject_queries.page, tenant_id, run_id=run_id, limit=limit, after=after
        )

    async def count_rejects(self, tenant_id: str, *, run_id: str) -> dict[str, int]:
        """Implement Brain."""
        return await self._database.read(reject_queries.count, tenant_id, run_id=run_id)

    async def start_run(
        self, tenant_id: str, *, run_id: str, workflow_id: str, supplier_code: str
    ) -> RunRecord:
        """Implement Brain."""
        return await self._database.write(
            run_queries.start,
            tenant_id,
            run_id=run_id,
            workflow_id=workflow_id,
            supplier_code=supplier_code,
            now=_now(),
        )

    async def finish_run(
        self,
        tenant_id: str,
        *,
        run_id: str,
        status: RunStatus = RunStatus.COMPLETED,
        counts: UpsertCounts = NO_COUNTS,
        rejected: int = 0,
        error: str | None = None,
    ) -> RunRecord:
        """Implement Brain."""
        return await self._database.write(
            run_queries.finish,
            tenant_id,
            run_id=run_id,
            status=status,
            counts=counts,
            rejected=rejected,
            error=error,
            now=_now(),
        )

    async def list_runs(
        self,
        tenant_id: str,
        *,
        limit: int = 100,
        after: str | None = None,
        supplier_code: str | None = None,
    ) -> list[RunRecord]:
        """Implement Brain."""
        return await self._database.read(
            run_queries.page, tenant_id, limit=limit, after=after, supplier_code=supplier_code
        )


async def _answer(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT 1"))


def _now() -> datetime:
    return datetime.now(UTC)
