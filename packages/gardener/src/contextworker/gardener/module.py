"""The gardener as a module: its route, and how its activities are opened."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contextworker.core.objects import ObjectStore
from contextworker.core.registry import Activity, ModuleConfig, Route
from contextworker.core.settings import RuntimeSettings
from contextworker.gardener.messages import GardenerRequest
from contextworker.gardener.settings import GardenerSettings
from contextworker.gardener.workflows import GardenerWorkflow


@asynccontextmanager
async def open_activities() -> AsyncIterator[Sequence[Activity]]:
    """Open the Brain and the object store while the worker runs.

    Raises:
        ConfigurationError: The taxonomy file, the Brain's URL or the store's URL is wrong.
    """
    # Not at the top: whoever only wants the route need not load database drivers and rapidfuzz.
    from contextworker.brain import open_brain  # noqa: PLC0415
    from contextworker.gardener.activities import Gardening  # noqa: PLC0415

    objects = ObjectStore.from_url(RuntimeSettings().store_url)
    async with open_brain() as brain:
        gardening = Gardening(brain, objects, GardenerSettings())
        yield [
            gardening.count_pending,
            gardening.list_brands,
            gardening.claim_batch,
            gardening.taxonomy,
            gardening.brand_model,
            gardening.attributes,
            gardening.store_enrichment,
        ]


module = ModuleConfig(
    name="gardener",
    workflows=[
        Route(
            workflow=GardenerWorkflow,
            payload=GardenerRequest,
            workflow_id="gardener-{tenant_id}",
            description="Enrich a tenant's pending products: category, brand, model, attributes.",
        )
    ],
    activities=open_activities,
)
