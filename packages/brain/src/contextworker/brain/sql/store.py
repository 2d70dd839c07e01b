"""The Brain in an SQL database: SQLite or PostgreSQL through SQLAlchemy."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contextworker.brain.models import (
    EnrichmentStatus,
    HistoryEntry,
    LastHarvest,
    Product,
    ProductRecord,
    Reject,
    RejectRecord,
    RunRecord,
    RunStatus,
    SupplierState,
    UpsertCounts,
)
from contextworker.brain.protocol import NO_COUNTS
from contextworker.brain.sql import (
    history,
    product_queries,
    reject_queries,
    run_queries,
    supplier_queries,
)
from contextworker.brain.sql.enrichment.store import EnrichingStore
from contextworker.brain.sql.extra import needing_frames

if TYPE_CHECKING:
    import polars as pl

    from contextworker.brain.sql.batch import Batch


class SqlBrain(EnrichingStore):
    """Implements `Brain`: each method is one transaction around one or a few statements."""

    async def ping(self) -> None:
        """Implement Brain."""
        await self._database.read(_answer)

    async def known_products(
        self, tenant_id: str, *, dealer_code: str
    ) -> AsyncIterator["pl.DataFrame"]:
        """Implement Brain."""
        with needing_frames():
            from contextworker.brain.sql.known import known  # noqa: PLC0415 # needs the extra

        async with self._database.reading_as(tenant_id) as connection:
            async for frame in known(connection, tenant_id, dealer_code=dealer_code):
                yield frame

    async def store_products(
        self, tenant_id: str, products: "pl.DataFrame", *, dealer_code: str, run_id: str
    ) -> UpsertCounts:
        """Implement Brain."""
        with needing_frames():
            from contextworker.brain.sql.batch import batch_of  # noqa: PLC0415 # needs the extra

        batch = await asyncio.to_thread(batch_of, tenant_id, dealer_code, products)
        return await self._merge(tenant_id, [batch], run_id=run_id)

    async def upsert_products(
        self, tenant_id: str, products: Sequence[ProductRecord], *, run_id: str
    ) -> UpsertCounts:
        """Implement Brain."""
        with needing_frames():
            from contextworker.brain.sql.batch import batches_of  # noqa: PLC0415 # needs the extra

        batches = await asyncio.to_thread(batches_of, tenant_id, products)
        return await self._merge(tenant_id, batches, run_id=run_id)

    async def _merge(
        self, tenant_id: str, batches: Sequence["Batch"], *, run_id: str
    ) -> UpsertCounts:
        from contextworker.brain.sql.merge import merge  # noqa: PLC0415 # needs the extra

        return await self._database.write_as(tenant_id, merge, batches, run_id=run_id, now=_now())

    async def mark_seen(
        self,
        tenant_id: str,
        skus: Sequence[str],
        *,
        dealer_code: str,
        run_id: str,  # noqa: ARG002 # as declared
    ) -> None:
        """Implement Brain."""
        await self._database.write_as(
            tenant_id, supplier_queries.mark_seen, skus, dealer_code=dealer_code, now=_now()
        )

    async def remove_products(
        self, tenant_id: str, skus: Sequence[str], *, dealer_code: str, run_id: str
    ) -> int:
        """Implement Brain."""
        return await self._database.write_as(
            tenant_id,
            supplier_queries.remove,
            skus,
            dealer_code=dealer_code,
            run_id=run_id,
            now=_now(),
        )

    async def supplier_state(self, tenant_id: str, *, dealer_code: str) -> SupplierState | None:
        """Implement Brain."""
        return await self._database.read_as(
            tenant_id, supplier_queries.state, dealer_code=dealer_code
        )

    async def record_supplier(self, tenant_id: str, state: SupplierState) -> None:
        """Implement Brain."""
        await self._database.write_as(tenant_id, supplier_queries.record, state, now=_now())

    async def product_history(
        self,
        tenant_id: str,
        *,
        sku: str,
        dealer_code: str | None = None,
        limit: int = 100,
    ) -> list[HistoryEntry]:
        """Implement Brain."""
        return await self._database.read_as(
            tenant_id, history.page, sku=sku, dealer_code=dealer_code, limit=limit
        )

    async def get_products(self, tenant_id: str, product_ids: Sequence[str]) -> list[Product]:
        """Implement Brain."""
        return await self._database.read_as(tenant_id, product_queries.by_ids, product_ids)

    async def list_products(
        self,
        tenant_id: str,
        *,
        limit: int = 100,
        after: str | None = None,
        dealer_code: str | None = None,
        enrichment_status: EnrichmentStatus | None = None,
        task: str | None = None,
        search: str | None = None,
        include_removed: bool = False,
    ) -> list[Product]:
        """Implement Brain."""
        return await self._database.read_as(
            tenant_id,
            product_queries.page,
            limit=limit,
            after=after,
            dealer_code=dealer_code,
            enrichment_status=enrichment_status,
            task=task,
            search=search,
            include_removed=include_removed,
        )

    async def count_products(self, tenant_id: str) -> dict[EnrichmentStatus, int]:
        """Implement Brain."""
        return await self._database.read_as(tenant_id, product_queries.count)

    async def brand_names(self, tenant_id: str, *, limit: int) -> list[str]:
        """Implement Brain."""
        return await self._database.read_as(tenant_id, product_queries.brand_names, limit=limit)

    async def record_rejects(
        self, tenant_id: str, *, run_id: str, rejects: Sequence[RejectRecord]
    ) -> None:
        """Implement Brain."""
        await self._database.write_as(
            tenant_id, reject_queries.record, rejects, run_id=run_id, now=_now()
        )

    async def resolve_rejects(
        self,
        tenant_id: str,
        *,
        run_id: str,
        rows: Sequence[tuple[str, int]],
        resolved_run_id: str,
    ) -> int:
        """Implement Brain."""
        return await self._database.write_as(
            tenant_id,
            reject_queries.resolve,
            run_id=run_id,
            rows=rows,
            resolved_run_id=resolved_run_id,
        )

    async def list_rejects(
        self,
        tenant_id: str,
        *,
        run_id: str | None = None,
        supplier_code: str | None = None,
        unresolved: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Reject]:
        """Implement Brain."""
        return await self._database.read_as(
            tenant_id,
            reject_queries.page,
            run_id=run_id,
            supplier_code=supplier_code,
            unresolved=unresolved,
            limit=limit,
            after=after,
        )

    async def count_rejects(self, tenant_id: str, *, run_id: str) -> dict[str, int]:
        """Implement Brain."""
        return await self._database.read_as(tenant_id, reject_queries.count, run_id=run_id)

    async def start_run(
        self, tenant_id: str, *, run_id: str, workflow_id: str, supplier_code: str
    ) -> RunRecord:
        """Implement Brain."""
        return await self._database.write_as(
            tenant_id,
            run_queries.start,
            run_id=run_id,
            workflow_id=workflow_id,
            supplier_code=supplier_code,
        )

    async def finish_run(
        self,
        tenant_id: str,
        *,
        run_id: str,
        status: RunStatus = RunStatus.COMPLETED,
        counts: UpsertCounts = NO_COUNTS,
        removed: int = 0,
        rejected: int = 0,
        error: str | None = None,
    ) -> RunRecord:
        """Implement Brain."""
        return await self._database.write_as(
            tenant_id,
            run_queries.finish,
            run_id=run_id,
            status=status,
            counts=counts,
            removed=removed,
            rejected=rejected,
            error=error,
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
        return await self._database.read_as(
            tenant_id, run_queries.page, limit=limit, after=after, supplier_code=supplier_code
        )

    async def last_harvests(self) -> list[LastHarvest]:
        """Implement Brain."""
        return await self._database.read(supplier_queries.last_harvests)


async def _answer(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT 1"))


def _now() -> datetime:
    return datetime.now(UTC)
