"""What modules know of the Brain."""

from collections.abc import Sequence
from typing import Protocol

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

NO_COUNTS = UpsertCounts()


class Brain(Protocol):
    """The store of products, rejects and runs.

    Every call names its tenant and sees only that tenant's rows. Every write is one transaction:
    all of it is stored or nothing, and making the same call again changes nothing and answers the
    same, so an activity that was cut off simply repeats it.

    Raises (any method):
        TransientError: The store does not answer now.
        PermanentError: The store refuses the call, and would refuse it again.
    """

    async def ping(self) -> None:
        """Return when the store answers."""
        ...

    async def upsert_products(
        self, tenant_id: str, products: Sequence[ProductRecord], *, run_id: str
    ) -> UpsertCounts:
        """Store a batch by the key (tenant, dealer_code, sku).

        A product whose content changed becomes `pending` again; its last enrichment stays readable
        until the gardener writes the next. Where a batch repeats a key, the last one wins.

        The counts add up over the calls of a run: a product counts once a run, in the first call
        that brought it, as what this run did to it (inserted, updated, or left unchanged). A call
        repeated with the same run and products counts the same again, also after a crash between
        commit and answer. Repeated keys, within a call or in a later call of the run, count
        nothing.
        """
        ...

    async def get_products(self, tenant_id: str, product_ids: Sequence[str]) -> list[Product]:
        """Return the named products in the order asked for; unknown ids are left out."""
        ...

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
        """Return a page in the order of product_id; `after` is the last product_id seen.

        `search` finds text in SKU, name and brand, whatever its case, in any script.
        """
        ...

    async def pending_products(
        self, tenant_id: str, *, limit: int, dealer_code: str | None = None
    ) -> list[Product]:
        """Return products that wait for enrichment, in the order of product_id."""
        ...

    async def store_enrichment(self, tenant_id: str, enrichments: Sequence[Enrichment]) -> int:
        """Store results, replacing earlier ones, and return how many products took theirs.

        An enrichment whose product has changed meanwhile (another content_hash) is passed over:
        the product is still `pending` and comes again.
        """
        ...

    async def count_products(self, tenant_id: str) -> dict[EnrichmentStatus, int]:
        """Return how many products stand in each enrichment status, zeros included."""
        ...

    async def brand_names(self, tenant_id: str, *, limit: int) -> list[str]:
        """Return the tenant's brands, the most frequent first."""
        ...

    async def record_rejects(
        self, tenant_id: str, *, run_id: str, rejects: Sequence[RejectRecord]
    ) -> None:
        """Store rejects by the key (tenant, run, source, row number); the last one wins."""
        ...

    async def list_rejects(
        self,
        tenant_id: str,
        *,
        run_id: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[Reject]:
        """Return a page in the order of run, source and row; `after` is the last one's `cursor`."""
        ...

    async def count_rejects(self, tenant_id: str, *, run_id: str) -> dict[str, int]:
        """Return how many rejects of a run there are by reason code."""
        ...

    async def start_run(
        self, tenant_id: str, *, run_id: str, workflow_id: str, supplier_code: str
    ) -> RunRecord:
        """Note that a run began; a run already known is returned as it stands.

        A workflow runs once at a time: an earlier run of it that never finished, because it was
        terminated, is `lost` from now on.
        """
        ...

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
        """Note how a run ended; a run already finished is returned as it stands.

        Raises:
            PermanentError: No such run was started.
        """
        ...

    async def list_runs(
        self,
        tenant_id: str,
        *,
        limit: int = 100,
        after: str | None = None,
        supplier_code: str | None = None,
    ) -> list[RunRecord]:
        """Return runs, the latest started first; `after` is the last run_id seen."""
        ...
