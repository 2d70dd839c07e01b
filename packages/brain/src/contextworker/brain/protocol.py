"""What modules know of the Brain."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from contextworker.brain.models import (
    Claim,
    Edge,
    Enrichment,
    EnrichmentStatus,
    Example,
    HistoryEntry,
    LastHarvest,
    ModelRecord,
    Product,
    ProductRecord,
    Reject,
    RejectRecord,
    Relation,
    RunRecord,
    RunStatus,
    SupplierState,
    UpsertCounts,
)

if TYPE_CHECKING:
    import polars as pl

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

    def known_products(self, tenant_id: str, *, dealer_code: str) -> AsyncIterator["pl.DataFrame"]:
        """Stream what is stored of a supplier, removed products too.

        Frames of `KNOWN_SCHEMA`, of bounded size, in any order.
        """
        ...

    async def store_products(
        self, tenant_id: str, products: "pl.DataFrame", *, dealer_code: str, run_id: str
    ) -> UpsertCounts:
        """Store a batch of one supplier's products, a frame of `PRODUCT_SCHEMA`.

        No sku comes twice in a frame. A product whose content_hash is what is stored stays as it
        is; one that changed becomes `pending` again, and its last enrichment stays readable until
        the gardener writes the next; one that was removed is listed again, and counts as updated.
        What changed of the fields that `HistoryField` names is added to the history. Returns what
        this call did, so a call made again counts everything as unchanged.
        """
        ...

    async def upsert_products(
        self, tenant_id: str, products: Sequence[ProductRecord], *, run_id: str
    ) -> UpsertCounts:
        """Store records, as `store_products` does; of a key that comes twice the last one wins."""
        ...

    async def mark_seen(
        self, tenant_id: str, skus: Sequence[str], *, dealer_code: str, run_id: str
    ) -> None:
        """Note that a feed has these products, though none of them changed.

        Only for feeds that do not list everything: what a whole feed has is noted for all products
        at once, by `record_supplier`.
        """
        ...

    async def remove_products(
        self, tenant_id: str, skus: Sequence[str], *, dealer_code: str, run_id: str
    ) -> int:
        """Mark products as no longer in their supplier's feed; returns how many were in until now.

        Their content and enrichment stay. Each one goes into the history.
        """
        ...

    async def supplier_state(self, tenant_id: str, *, dealer_code: str) -> SupplierState | None:
        """Return where a supplier stands; None before its first completed harvest."""
        ...

    async def record_supplier(self, tenant_id: str, state: SupplierState) -> None:
        """Note where a supplier stands now that a harvest is complete.

        Where its feeds are whole, every product of the supplier that is not removed was seen by
        that harvest: `last_seen_at` moves for all of them, without a write to any.
        """
        ...

    async def product_history(
        self,
        tenant_id: str,
        *,
        sku: str,
        dealer_code: str | None = None,
        limit: int = 100,
    ) -> list[HistoryEntry]:
        """Return what changed of the products with a sku, the latest first."""
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
        task: str | None = None,
        search: str | None = None,
        include_removed: bool = False,
    ) -> list[Product]:
        """Return a page in the order of product_id; `after` is the last product_id seen.

        With a `task`, `enrichment_status` is that task's rather than the product's.
        `search` finds text in SKU, name and brand, whatever its case, in any script. Products that
        their supplier's feed no longer has are left out, unless they are asked for.
        """
        ...

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
        """Take listed products that stand in a status, for as long as the lease lasts.

        No product is in two claims that hold. The same claim_id again gets what it still holds,
        with a new lease, and takes no more; once settled, it gets what it was settled with, for a
        day at least. A claim whose lease ended holds nothing: its products are free for others.
        """
        ...

    async def renew_claim(self, tenant_id: str, *, claim_id: str, lease: timedelta) -> bool:
        """Begin a claim's lease anew; False where it no longer holds anything."""
        ...

    async def settle_claim(
        self, tenant_id: str, *, claim_id: str, enrichments: Sequence[Enrichment]
    ) -> tuple[str, ...]:
        """Store results for products of a claim, let go of all of it, and say who took theirs.

        Results replace the product's earlier ones. Passed over are a product that has changed
        meanwhile (another content_hash): it is `pending` and comes again; and one that another
        claim has taken since, because the lease ended. A claim settled before answers as then.
        """
        ...

    async def store_enrichment(
        self,
        tenant_id: str,
        enrichments: Sequence[Enrichment],
        *,
        examples: Sequence[Example] = (),
    ) -> tuple[str, ...]:
        """Store results and examples without a claim, as a person's decisions are; says who took.

        An enrichment whose product has changed meanwhile (another content_hash), or whose `over`
        is not what stands there, is passed over, with the examples made of it.
        """
        ...

    async def reopen_products(
        self, tenant_id: str, *, status: EnrichmentStatus, task: str | None = None
    ) -> int:
        """Make listed products of a status `pending`; with a task, those where it stands so."""
        ...

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
        """Return relations by product, relation and target; `after` is the last `Edge.cursor`."""
        ...

    async def record_examples(self, tenant_id: str, examples: Sequence[Example]) -> None:
        """Store examples by example_id; the last one wins."""
        ...

    async def list_examples(
        self, tenant_id: str, *, task: str, limit: int = 1000, after: str | None = None
    ) -> list[Example]:
        """Return a page in the order of example_id; `after` is the last one seen."""
        ...

    async def record_model(self, tenant_id: str, model: ModelRecord) -> None:
        """Note a trained model, which is its task's current one from now on.

        Recorded again, it becomes the current one again: so an earlier one is brought back.
        """
        ...

    async def list_models(
        self, tenant_id: str, *, task: str | None = None, limit: int = 100
    ) -> list[ModelRecord]:
        """Return models, each task's current one first and the others from the latest on."""
        ...

    async def count_products(self, tenant_id: str) -> dict[EnrichmentStatus, int]:
        """Return how many listed products stand in each enrichment status, zeros included."""
        ...

    async def brand_names(self, tenant_id: str, *, limit: int) -> list[str]:
        """Return the tenant's brands, the most frequent first."""
        ...

    async def record_rejects(
        self, tenant_id: str, *, run_id: str, rejects: Sequence[RejectRecord]
    ) -> None:
        """Store rejects by the key (tenant, run, source, row number); the last one wins."""
        ...

    async def resolve_rejects(
        self,
        tenant_id: str,
        *,
        run_id: str,
        rows: Sequence[tuple[str, int]],
        resolved_run_id: str,
    ) -> int:
        """Note that a run made products of rejects, named by (source, row number).

        Returns how many of them were unresolved, or resolved by the same run.
        """
        ...

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
        """Return a page in the order of run, source and row; `after` is the last one's `cursor`.

        Args:
            tenant_id: Whose.
            run_id: Only that run's.
            supplier_code: Only those of that supplier's runs.
            unresolved: Only those that no later run made a product of.
            limit: How many at most.
            after: Where the page before this one ended.
        """
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
        removed: int = 0,
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

    async def last_harvests(self) -> list[LastHarvest]:
        """Return when each supplier of each tenant was last harvested with success.

        For operators: the one call that is of no tenant. It never answers a caller's request.
        """
        ...
