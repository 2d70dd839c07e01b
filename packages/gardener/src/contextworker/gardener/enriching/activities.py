"""A run's activities: claim products, enrich them, settle them."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from temporalio import activity

from contextworker.brain.models import Claim, Enrichment, EnrichmentStatus, Product
from contextworker.brain.protocol import Brain
from contextworker.core.heartbeats import beating
from contextworker.core.messages import ObjectRef
from contextworker.core.objects import ObjectStore
from contextworker.core.registry import Activity
from contextworker.gardener.enrichers.configuration import Configuration
from contextworker.gardener.enrichers.pipeline import Pipeline
from contextworker.gardener.enriching.asking import LanguageModels
from contextworker.gardener.enriching.counting import count, count_again
from contextworker.gardener.enriching.entries import (
    enrichment,
    is_kept,
    moment,
    product_text,
    standing,
)
from contextworker.gardener.enriching.holding import holding
from contextworker.gardener.enriching.knowing import KnownPipelines, encode_brands
from contextworker.gardener.enriching.messages import (
    Again,
    AskRequest,
    BatchRequest,
    GardenerActivities,
    Knowledge,
    Scope,
    Settled,
    Spent,
    Waiting,
)
from contextworker.gardener.enriching.metering import count_stored
from contextworker.gardener.settings import GardenerSettings

_ERROR: Final = (EnrichmentStatus.ERROR,)
_AGAIN: Final[dict[Again | None, tuple[EnrichmentStatus, ...]]] = {
    None: _ERROR,
    Again.REVIEW: (*_ERROR, EnrichmentStatus.REVIEW),
    Again.ALL: (*_ERROR, EnrichmentStatus.REVIEW, EnrichmentStatus.WAITING, EnrichmentStatus.DONE),
}
"""What is pending again when a run begins."""


def check(configuration: Configuration, objects: ObjectStore) -> None:
    """See that every tenant's configuration holds, before anything is opened or changed.

    Raises:
        ConfigurationError: It does not; says where.
    """
    KnownPipelines(objects, configuration).check()
    LanguageModels(configuration).check()


class Gardening(GardenerActivities):
    """Enriches products of a Brain."""

    def __init__(
        self,
        brain: Brain,
        objects: ObjectStore,
        settings: GardenerSettings,
        configuration: Configuration,
    ) -> None:
        self._brain = brain
        self._objects = objects
        self._settings = settings
        self._configuration = configuration
        self._pipelines = KnownPipelines(objects, configuration)
        self._models = LanguageModels(configuration)
        # Enrichers hold Python's lock: a second batch at the same time would only slow the first.
        self._computing = asyncio.Lock()

    @property
    def all(self) -> tuple[Activity, ...]:
        """Every activity of a run."""
        return (self.count_waiting, self.gather_knowledge, self.enrich_batch, self.ask_llm)

    @activity.defn(name="count_waiting")
    async def count_waiting(self, scope: Scope) -> Waiting:
        """Count the products that are to do. Safe to retry: it only reads."""
        if scope.supplier_code is not None:
            return Waiting(pending=None, waiting=None)  # the Brain counts whole tenants
        async with beating():
            counts = await self._brain.count_products(scope.tenant_id)
        return Waiting(
            pending=counts.get(EnrichmentStatus.PENDING, 0),
            waiting=counts.get(EnrichmentStatus.WAITING, 0),
        )

    @activity.defn(name="gather_knowledge")
    async def gather_knowledge(self, scope: Scope) -> Knowledge:
        """Store the brands the tenant's catalogue knows; find its trained models.

        What is to be done again is pending then, and so are errors. What waits for a language model
        that the tenant no longer has is, too: the local enrichers then leave it in review.

        Safe to retry: the same brands are the same object, a later list is as good as this one, and
        what is pending already is not made so again.
        """
        async with beating():
            statuses = set(_AGAIN[scope.again])
            if not self._models.batch(scope.tenant_id):
                statuses.add(EnrichmentStatus.WAITING)
            for status in sorted(statuses):
                await self._brain.reopen_products(scope.tenant_id, status=status)
            return await self._know(scope.tenant_id)

    @activity.defn(name="enrich_batch")
    async def enrich_batch(self, request: BatchRequest) -> Settled:
        """Claim pending products, enrich them locally, settle them.

        Safe to retry: under the same claim_id an attempt gets the same products, which are no
        others', and stores what the one before it would have; a claim that is settled is counted
        by what it stored.
        """
        async with (
            beating(),
            holding(self._brain, request, status=EnrichmentStatus.PENDING) as claim,
        ):
            if not claim.products:
                return await self._nothing_to_do(request, claim)
            pipeline = await self._pipelines.of(request.tenant_id, request.knowledge)
            at = datetime.now(UTC)
            done, kept = await self._enrich(pipeline, claim.products, at=at, again=request.again)
            return await self._settle(request, done, kept=kept, at=at)

    @activity.defn(name="ask_llm")
    async def ask_llm(self, request: AskRequest) -> Settled:
        """Claim products that wait for a language model, ask it, settle them.

        Safe to retry, as `enrich_batch` is. An attempt that was cut off while it asked may have
        spent its share of the money, so the next one asks nothing and lets go of the products.
        """
        async with (
            beating(),
            holding(self._brain, request, status=EnrichmentStatus.WAITING) as claim,
        ):
            if not claim.products:
                return _with_unsure(request, await self._nothing_to_do(request, claim))
            if request.budget_usd is not None and activity.info().attempt > 1:
                return await self._ask_nothing(request)
            at = datetime.now(UTC)
            asked = await self._models.ask(
                request.tenant_id, claim.products, budget_usd=request.budget_usd, at=at
            )
            # Once more through the local enrichers: some of them go by what was answered.
            pipeline = await self._pipelines.of(request.tenant_id, request.knowledge)
            done, _ = await self._enrich(pipeline, asked.products, at=at)
            settled = await self._settle(request, done, kept=frozenset(), at=at)
            answers = asked.answers
            spent = Spent(tokens=answers.tokens, cost_usd=answers.cost_usd)
            return settled.model_copy(
                update={
                    "claimed": len(claim.products),
                    "spent": spent,
                    "at_limit": answers.at_limit,
                }
            )

    async def pipeline_now(self, tenant_id: str) -> Pipeline:
        """Return a tenant's pipeline by what is known of it now, for a decision of a person."""
        return await self._pipelines.of(tenant_id, await self._know(tenant_id))

    async def _know(self, tenant_id: str) -> Knowledge:
        names = await self._brain.brand_names(tenant_id, limit=self._settings.known_brands)
        brands = await self._objects.put(encode_brands(names), prefix=f"{tenant_id}/gardener")
        models = {}
        for task in self._configuration.of(tenant_id).tasks:
            for model in await self._brain.list_models(tenant_id, task=task, limit=1):
                models[task] = ObjectRef(key=model.object_key, size=model.size)
        return Knowledge(
            brands=brands,
            models=models,
            asks=self._models.batch(tenant_id),
            most_usd=self._models.most_usd(tenant_id),
            lease_s=self._settings.lease_s,
        )

    async def _enrich(
        self,
        pipeline: Pipeline,
        products: Sequence[Product],
        *,
        at: datetime,
        again: Again | None = None,
    ) -> tuple[list[Enrichment], frozenset[str]]:
        """Return the products' enrichments, and which of them change in nothing."""

        def work() -> tuple[list[Enrichment], frozenset[str]]:
            texts = [product_text(product) for product in products]
            before = [standing(product.enrichment, again) for product in products]
            worked = pipeline.run(texts, before)
            pairs = list(zip(products, worked, strict=True))
            written = moment(at)
            return (
                [enrichment(product, one, at=written) for product, one in pairs],
                frozenset(product.product_id for product, one in pairs if is_kept(product, one)),
            )

        async with self._computing:
            return await asyncio.to_thread(work)

    async def _settle(
        self,
        request: BatchRequest,
        done: Sequence[Enrichment],
        *,
        kept: frozenset[str],
        at: datetime,
    ) -> Settled:
        taken = set(
            await self._brain.settle_claim(
                request.tenant_id, claim_id=request.claim_id, enrichments=done
            )
        )
        stored = [one for one in done if one.product_id in taken]
        count_stored(request.tenant_id, stored, at=at)
        unchanged = sum(
            one.product_id in kept and one.status is not EnrichmentStatus.WAITING for one in stored
        )
        return count((one.results for one in stored), claimed=len(done), kept=unchanged)

    async def _ask_nothing(self, request: AskRequest) -> Settled:
        """Let go of a batch that an attempt before this one may have paid for."""
        await self._settle(request, (), kept=frozenset(), at=datetime.now(UTC))
        return Settled(cut_off=True, spent=Spent(unsure_usd=request.budget_usd or 0.0))

    async def _nothing_to_do(self, request: BatchRequest, claim: Claim) -> Settled:
        """Say that nothing waits, or what an earlier attempt stored before it was cut off."""
        info = activity.info()
        if claim.settled is None:
            return Settled(held_elsewhere=claim.held_elsewhere, cut_off=info.attempt > 1)
        products = await self._brain.get_products(request.tenant_id, claim.settled)
        return count_again([one.enrichment for one in products], since=info.scheduled_time)


def _with_unsure(request: AskRequest, settled: Settled) -> Settled:
    """Note what an attempt that was cut off may have spent besides what its entries say."""
    if request.budget_usd is None or not settled.cut_off:
        return settled
    unsure = max(request.budget_usd - settled.spent.cost_usd, 0.0)
    spent = settled.spent.model_copy(update={"unsure_usd": unsure})
    return settled.model_copy(update={"spent": spent})
