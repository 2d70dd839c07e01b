"""The Brain in an SQL database: SQLite or PostgreSQL through SQLAlchemy."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text

from contextworker.brain import product_queries, reject_queries, run_queries
from contextworker.brain.database import Database
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
from contextworker.brain.upsert import upsert


class SqlBrain:
    """Implements `Brain`: each method is one transaction around one or a few statements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ping(self) -> None:
        """Implement Brain."""
        async with self._database.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def upsert_products(
        self, tenant_id: str, products: Sequence[ProductRecord], *, run_id: str
    ) -> UpsertCounts:
        """Implement Brain."""
        async with self._database.write() as connection:
            return await upsert(connection, tenant_id, products, run_id=run_id, now=_now())

    async def get_products(self, tenant_id: str, product_ids: Sequence[str]) -> list[Product]:
        """Implement Brain."""
        async with self._database.read() as connection:
            return await product_queries.by_ids(connection, tenant_id, product_ids)

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
        async with self._database.read() as connection:
            return await product_queries.page(
                connection,
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
        async with self._database.write() as connection:
            return await product_queries.store_enrichment(connection, tenant_id, enrichments)

    async def count_products(self, tenant_id: str) -> dict[EnrichmentStatus, int]:
        """Implement Brain."""
        async with self._database.read() as connection:
            return await product_queries.count(connection, tenant_id)

    async def brand_names(self, tenant_id: str, *, limit: int) -> list[str]:
        """Implement Brain."""
        async with self._database.read() as connection:
            return await product_queries.brand_names(connection, tenant_id, limit=limit)

    async def record_rejects(
        self, tenant_id: str, *, run_id: str, rejects: Sequence[RejectRecord]
    ) -> None:
        """Implement Brain."""
        async with self._database.write() as connection:
            await reject_queries.record(connection, tenant_id, rejects, run_id=run_id, now=_now())

    async def list_rejects(
        self,
        tenant_id: str,
        *,
        run_id: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Reject]:
        """Implement Brain."""
        async with self._database.read() as connection:
            return await reject_queries.page(
                connection, tenant_id, run_id=run_id, limit=limit, after=after
            )

    async def count_rejects(self, tenant_id: str, *, run_id: str) -> dict[str, int]:
        """Implement Brain."""
        async with self._database.read() as connection:
            return await reject_queries.count(connection, tenant_id, run_id=run_id)

    async def start_run(
        self, tenant_id: str, *, run_id: str, workflow_id: str, supplier_code: str
    ) -> RunRecord:
        """Implement Brain."""
        async with self._database.write() as connection:
            return await run_queries.start(
                connection,
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
        async with self._database.write() as connection:
            return await run_queries.finish(
                connection,
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
        async with self._database.read() as connection:
            return await run_queries.page(
                connection, tenant_id, limit=limit, after=after, supplier_code=supplier_code
            )


def _now() -> datetime:
    return datetime.now(UTC)
