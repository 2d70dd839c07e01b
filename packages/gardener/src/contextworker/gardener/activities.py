"""The gardener's activities: the Brain, the object store, and the enrichers between them."""

import asyncio
from collections.abc import Callable
from functools import lru_cache

from temporalio import activity

from contextworker.brain.models import EnrichmentStatus
from contextworker.brain.protocol import Brain
from contextworker.core.heartbeats import beating
from contextworker.core.messages import ObjectRef
from contextworker.core.objects import ObjectStore
from contextworker.gardener import batches
from contextworker.gardener.enrichers.attributes import AttributesEnricher
from contextworker.gardener.enrichers.base import Enricher, TaskResult, enrich_each
from contextworker.gardener.enrichers.brand_model import BrandModelEnricher
from contextworker.gardener.enrichers.brands import Brands
from contextworker.gardener.enrichers.classify import TaxonomyEnricher
from contextworker.gardener.enrichers.taxonomy import Taxonomy
from contextworker.gardener.merging import merge, summarise
from contextworker.gardener.messages import (
    Batch,
    ClaimRequest,
    EnrichRequest,
    GardenerActivities,
    Scope,
    Stored,
    StoreRequest,
    TaskOutput,
)
from contextworker.gardener.settings import GardenerSettings

_BRAND_LISTS = 16


class Gardening(GardenerActivities):
    """Enriches products of a Brain; bulk data goes through the object store."""

    def __init__(self, brain: Brain, objects: ObjectStore, settings: GardenerSettings) -> None:
        self._brain = brain
        self._objects = objects
        self._settings = settings
        self._taxonomy = Taxonomy.load(settings.taxonomy)
        self._classify = TaxonomyEnricher(self._taxonomy, threshold=settings.taxonomy_threshold)
        self._measure = AttributesEnricher(threshold=settings.attributes_threshold)
        # Content-addressed, so a list of brands never changes under its reference.
        self._identify = lru_cache(maxsize=_BRAND_LISTS)(self._with_brands)

    @activity.defn(name="count_pending")
    async def count_pending(self, scope: Scope) -> int | None:
        """Count the products that wait. Safe to retry: it only reads."""
        if scope.supplier_code is not None:
            return None  # the Brain counts whole tenants
        async with beating():
            counts = await self._brain.count_products(scope.tenant_id)
        return counts.get(EnrichmentStatus.PENDING, 0)

    @activity.defn(name="list_brands")
    async def list_brands(self, scope: Scope) -> ObjectRef:
        """Store the brands the tenant knows.

        Safe to retry: the same brands are the same object, and a later list is as good as this one.
        """
        async with beating():
            names = await self._brain.brand_names(
                scope.tenant_id, limit=self._settings.known_brands
            )
            data = batches.encode_brands(names)
            return await self._objects.put(data, prefix=batches.prefix(scope.tenant_id))

    @activity.defn(name="claim_batch")
    async def claim_batch(self, request: ClaimRequest) -> Batch:
        """Take pending products into a batch object.

        Safe to retry: nothing is marked. Products stay pending until their enrichment is stored, so
        a batch taken twice is only computed twice, and none is lost with a worker.
        """
        async with beating():
            products = await self._brain.pending_products(
                request.tenant_id, limit=request.batch_size, dealer_code=request.supplier_code
            )
            if not products:
                return Batch(tenant_id=request.tenant_id, count=0)
            data = await asyncio.to_thread(batches.encode_products, products)
            stored = await self._objects.put(data, prefix=batches.prefix(request.tenant_id))
            return Batch(tenant_id=request.tenant_id, count=len(products), products=stored)

    @activity.defn(name="taxonomy")
    async def taxonomy(self, request: EnrichRequest) -> TaskOutput:
        """Find categories. Safe to retry: see `_enrich`."""
        return await self._enrich(request, lambda: self._classify)

    @activity.defn(name="brand_model")
    async def brand_model(self, request: EnrichRequest) -> TaskOutput:
        """Find brands and models. Safe to retry: see `_enrich`."""
        async with beating():
            brands = await self._objects.get(request.brands)
        return await self._enrich(request, lambda: self._identify(brands))

    @activity.defn(name="attributes")
    async def attributes(self, request: EnrichRequest) -> TaskOutput:
        """Find measures, colours and sizes. Safe to retry: see `_enrich`."""
        return await self._enrich(request, lambda: self._measure)

    @activity.defn(name="store_enrichment")
    async def store_enrichment(self, request: StoreRequest) -> Stored:
        """Write every product's results where its content is still the one they came from.

        Safe to retry: writing the same results to the same content again changes nothing and counts
        the same. Groups are written one by one, because the Brain says how many it took, not which.
        """
        async with beating():
            products = batches.decode_products(await self._objects.get(request.products))
            results = {
                output.task: await self._results(output, len(products))
                for output in request.outputs
            }
            groups = await asyncio.to_thread(merge, products, results)
            applied = [
                (
                    signature,
                    group[0],
                    await self._brain.store_enrichment(request.tenant_id, group),
                )
                for signature, group in groups.items()
            ]
        return summarise(applied, claimed=len(products))

    async def _enrich(self, request: EnrichRequest, enricher: Callable[[], Enricher]) -> TaskOutput:
        """Run one enricher over a batch.

        Safe to retry: enrichers are pure, so the same batch gives the same results, and those the
        same object.
        """

        def work(data: bytes) -> tuple[str, bytes]:
            chosen = enricher()
            results = enrich_each(chosen, batches.decode_products(data))
            return chosen.name, batches.encode_results(results)

        async with beating():
            data = await self._objects.get(request.products)
            # Rapidfuzz and pint compute for a second or so: the event loop has other activities.
            task, results = await asyncio.to_thread(work, data)
            stored = await self._objects.put(results, prefix=batches.prefix(request.tenant_id))
        return TaskOutput(task=task, results=stored)

    async def _results(self, output: TaskOutput, count: int) -> list[TaskResult]:
        if output.results is None:
            return [TaskResult.failed(output.failure or f"{output.task} gave no results")] * count
        return batches.decode_results(await self._objects.get(output.results))

    def _with_brands(self, brands: bytes) -> BrandModelEnricher:
        return BrandModelEnricher(
            Brands(batches.decode_brands(brands)),
            self._taxonomy,
            threshold=self._settings.brand_threshold,
        )
