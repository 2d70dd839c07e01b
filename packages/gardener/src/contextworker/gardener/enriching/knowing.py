"""What a worker keeps in memory of what runs go by."""

import asyncio
import gc
from collections import OrderedDict

from pydantic import TypeAdapter

from contextworker.core.messages import ObjectRef
from contextworker.core.objects import ObjectStore
from contextworker.gardener.enrichers.configuration import Configuration
from contextworker.gardener.enrichers.pipeline import Pipeline, make_pipeline
from contextworker.gardener.enriching.messages import Knowledge

MOST_BYTES = 128 * 1024 * 1024
"""Of models and brands as they are stored; the latest pipeline is kept whatever its size."""
_BRANDS = TypeAdapter(tuple[str, ...])

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


def encode_brands(brands: list[str]) -> bytes:
    """Write the brands a run knows."""
    return _BRANDS.dump_json(tuple(brands))


class KnownPipelines:
    """Pipelines, each made once for a tenant's brands and models.

    Objects are named by what is in them, so a pipeline never changes under its references, and
    every batch of a run is worked on by the same one, on whatever worker.
    """

    def __init__(
        self, objects: ObjectStore, configuration: Configuration, *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._objects = objects
        self._configuration = configuration
        self._most_bytes = most_bytes
        self._made: OrderedDict[_Key, tuple[Pipeline, int]] = OrderedDict()
        self._making = asyncio.Lock()

    def check(self) -> None:
        """Make every configured tenant's pipeline once.

        Raises:
            ConfigurationError: An option is unknown or wrong, or a file cannot be used.
        """
        for tenant_id in ("", *self._configuration.tenants):
            make_pipeline(tenant_id or "default", self._configuration.of(tenant_id))

    async def of(self, tenant_id: str, knowledge: Knowledge) -> Pipeline:
        """Return the pipeline for what a run knows."""
        models = sorted((task, model.key) for task, model in knowledge.models.items())
        key = (tenant_id, knowledge.brands.key, tuple(models))
        # One makes it, the others wait for it, rather than load the models once each.
        async with self._making:
            if key not in self._made:
                self._made[key] = await self._make(tenant_id, knowledge)
                self._forget()
            self._made.move_to_end(key)
            return self._made[key][0]

    async def _make(self, tenant_id: str, knowledge: Knowledge) -> tuple[Pipeline, int]:
        brands = _BRANDS.validate_json(await self._objects.get(knowledge.brands))
        models = {task: await self._objects.get(model) for task, model in knowledge.models.items()}
        pipeline = await asyncio.to_thread(
            make_pipeline, tenant_id, self._configuration.of(tenant_id), brands, models
        )
        _collect_rarely()
        return pipeline, _size(knowledge.brands, *knowledge.models.values())

    def _forget(self) -> None:
        while len(self._made) > 1 and self._size > self._most_bytes:
            self._made.popitem(last=False)

    @property
    def _size(self) -> int:
        return sum(size for _, size in self._made.values())


def _size(*objects: ObjectRef) -> int:
    return sum(item.size for item in objects)


def _collect_rarely() -> None:
    """Have Python look less often for cycles to throw away: a tenth of all time goes into it.

    Models and taxonomies stay as long as the worker, and what a batch makes goes without being
    looked for; only there is so much of it that Python looks many times in each batch.
    """
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
