"""Enrich a tenant's pending products, batch by batch, until none is pending."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from contextcore import ContextUnit
from contextworker.core.messages import ObjectRef, Progress
from contextworker.gardener.messages import (
    ClaimRequest,
    EnrichRequest,
    GardenerActivities,
    GardenerReport,
    GardenerRun,
    Outcome,
    Scope,
    StoreRequest,
    TaskOutput,
    Totals,
)

TASKS = {
    "taxonomy": GardenerActivities.taxonomy,
    "brand_model": GardenerActivities.brand_model,
    "attributes": GardenerActivities.attributes,
}
BATCHES_PER_RUN = 50
"""A batch is about 25 history events; well below the server's limits, and quick to replay."""
MAX_IDLE_BATCHES = 2

# The Brain or the object store may be away for a while; what would fail the same way again is
# raised as a permanent error and not retried at all.
PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
)

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")


@workflow.defn(name="gardener")
class GardenerWorkflow:
    """Claims pending products, runs every task over them at once, stores what they found."""

    def __init__(self) -> None:
        self._totals = Totals()
        self._expected: int | None = None

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Enrich until nothing is pending, max_batches are done, or batches come to nothing."""
        request = GardenerRun.model_validate(unit.payload)
        scope = Scope(tenant_id=request.tenant_id, supplier_code=request.supplier_code)
        self._totals = request.so_far
        pending = await self._count_pending(scope)
        self._expected = None if pending is None else self._totals.products + pending
        brands = await _step(GardenerActivities.list_brands, scope, summary=scope.tenant_id)
        outcome = await self._enrich_batches(request, brands, unit)
        remaining = 0 if outcome is Outcome.NOTHING_PENDING else await self._count_pending(scope)
        report = GardenerReport(
            outcome=outcome, remaining=remaining, **self._totals.model_dump(exclude={"idle"})
        )
        return unit.child(report, provenance="worker:gardener")

    @workflow.query(name="progress")
    def progress(self) -> Progress:
        """Say how many products are enriched, of how many."""
        done = self._totals.products
        total = None if self._expected is None else max(self._expected, done)
        return Progress(stage="enriching", done=done, total=total, unit="products")

    async def _enrich_batches(
        self, request: GardenerRun, brands: ObjectRef, unit: ContextUnit
    ) -> Outcome:
        started_with = self._totals.batches
        while request.max_batches is None or self._totals.batches < request.max_batches:
            if self._totals.idle >= MAX_IDLE_BATCHES:
                return Outcome.NO_PROGRESS
            batches = self._totals.batches - started_with
            if batches >= BATCHES_PER_RUN or (
                batches and workflow.info().is_continue_as_new_suggested()
            ):
                # The same unit with the totals in its payload: a run continued is the same request,
                # so its id and provenance stay.
                so_far = {"so_far": self._totals.model_dump(mode="json")}
                workflow.continue_as_new(
                    unit.model_copy(update={"payload": {**unit.payload, **so_far}})
                )
            if not await self._enrich_batch(request, brands):
                return Outcome.NOTHING_PENDING
        return Outcome.MAX_BATCHES

    async def _enrich_batch(self, request: GardenerRun, brands: ObjectRef) -> bool:
        """Take one batch through; False when there was none."""
        label = f"batch {self._totals.batches + 1}"
        batch = await _step(
            GardenerActivities.claim_batch,
            ClaimRequest(
                tenant_id=request.tenant_id,
                supplier_code=request.supplier_code,
                batch_size=request.batch_size,
            ),
            summary=label,
        )
        if batch.products is None:
            return False
        job = EnrichRequest(tenant_id=request.tenant_id, products=batch.products, brands=brands)
        outputs = await asyncio.gather(*(self._enrich(task, job, label) for task in TASKS))
        stored = await _step(
            GardenerActivities.store_enrichment,
            StoreRequest(tenant_id=request.tenant_id, products=job.products, outputs=outputs),
            summary=label,
        )
        self._totals = self._totals.plus(stored)
        return True

    async def _enrich(self, task: str, job: EnrichRequest, label: str) -> TaskOutput:
        """Run one task; where it fails for good, its products get that error, not the run.

        An outage that outlasts all patience fails the run instead: its products stay pending.
        """
        try:
            return await _step(TASKS[task], job, summary=label)
        except ActivityError as error:
            cause = error.cause
            if not isinstance(cause, ApplicationError) or not cause.non_retryable:
                raise
            return TaskOutput(task=task, failure=f"{task} failed: {cause}")

    async def _count_pending(self, scope: Scope) -> int | None:
        return await _step(GardenerActivities.count_pending, scope, summary=scope.tenant_id)


async def _step(
    method: Callable[[GardenerActivities, Argument], Coroutine[Any, Any, Answer]],
    argument: Argument,
    *,
    summary: str,
) -> Answer:
    """Run one activity. A lost worker is noticed by its heartbeat, a stuck one by its time."""
    return await workflow.execute_activity_method(
        method,
        argument,
        start_to_close_timeout=timedelta(minutes=5),
        schedule_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=timedelta(seconds=6),
        retry_policy=PATIENT,
        summary=summary,
    )
