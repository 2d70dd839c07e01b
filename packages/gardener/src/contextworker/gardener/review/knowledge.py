"""A tenant's pipeline as it is now, for the few products that a person decides."""

import asyncio
from typing import Final

from contextworker.brain.models import ModelRecord
from contextworker.brain.protocol import Brain
from contextworker.core.messages import ObjectRef
from contextworker.core.objects import ObjectStore
from contextworker.gardener.enrichers.pipeline import Pipeline, TenantPipelines

_KEPT_MODELS: Final = 8


class CurrentPipelines:
    """Makes pipelines of what tenants know by now: their brands, their current models."""

    def __init__(
        self, brain: Brain, objects: ObjectStore, pipelines: TenantPipelines, *, known_brands: int
    ) -> None:
        self._brain = brain
        self._objects = objects
        self._pipelines = pipelines
        self._known_brands = known_brands
        self._models: dict[str, bytes] = {}

    async def of(self, tenant_id: str) -> Pipeline:
        """Return a tenant's pipeline."""
        brands = await self._brain.brand_names(tenant_id, limit=self._known_brands)
        current: dict[str, ModelRecord] = {}
        for record in await self._brain.list_models(tenant_id):
            current.setdefault(record.task, record)
        models = {task: await self._artefact(record) for task, record in current.items()}
        return await asyncio.to_thread(self._pipelines.pipeline, tenant_id, tuple(brands), models)

    async def _artefact(self, record: ModelRecord) -> bytes:
        # Content-addressed: under a key there is never anything else. Tenants do not share keys.
        if record.object_key not in self._models:
            reference = ObjectRef(key=record.object_key, size=record.size)
            self._models[record.object_key] = await self._objects.get(reference)
            while len(self._models) > _KEPT_MODELS:
                del self._models[next(iter(self._models))]
        return self._models[record.object_key]
