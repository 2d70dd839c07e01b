"""The gardener as a module: its routes, and how its activities are opened."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contextworker.core.objects import ObjectStore
from contextworker.core.registry import Activity, ModuleConfig, Route
from contextworker.core.settings import RuntimeSettings
from contextworker.gardener.enriching.messages import GardenerRequest
from contextworker.gardener.enriching.workflow import GardenerWorkflow
from contextworker.gardener.review.messages import ReviewRequest
from contextworker.gardener.review.workflow import ReviewWorkflow
from contextworker.gardener.settings import GardenerSettings
from contextworker.gardener.training.messages import TrainRequest
from contextworker.gardener.training.workflow import TrainWorkflow


@asynccontextmanager
async def open_activities() -> AsyncIterator[Sequence[Activity]]:
    """Open the Brain and the object store while the worker runs.

    Raises:
        ConfigurationError: The gardener's configuration, the Brain's URL or the store's is wrong.
    """
    # Not at the top: whoever only wants the routes need not load database drivers and enrichers.
    from contextworker.brain import open_brain  # noqa: PLC0415
    from contextworker.core.metrics import reporting  # noqa: PLC0415
    from contextworker.gardener.enrichers.configuration import read_configuration  # noqa: PLC0415
    from contextworker.gardener.enriching.activities import Gardening, check  # noqa: PLC0415
    from contextworker.gardener.enriching.metering import Catalogues  # noqa: PLC0415
    from contextworker.gardener.review.activities import Reviewing  # noqa: PLC0415
    from contextworker.gardener.training.activities import Training  # noqa: PLC0415

    settings = GardenerSettings()
    configuration = read_configuration(settings.config)
    objects = ObjectStore.from_url(RuntimeSettings().store_url)
    check(configuration, objects)  # before the Brain, which opening may migrate
    async with open_brain() as brain:
        gardening = Gardening(brain, objects, settings, configuration)
        reviewing = Reviewing(brain, configuration, gardening.pipeline_now)
        training = Training(brain, objects, configuration)
        async with reporting(Catalogues(brain).tell, "how products stand"):
            yield [*gardening.all, *reviewing.all, *training.all]


module = ModuleConfig(
    name="gardener",
    workflows=[
        Route(
            workflow=GardenerWorkflow,
            payload=GardenerRequest,
            workflow_id="gardener-{tenant_id}",
            summary="Enrich products of {tenant_id} {supplier_code}",
            search_attributes={"SupplierCode": "supplier_code"},
            description="Enrich a tenant's pending products: category, brand, model, measures …",
        ),
        Route(
            workflow=ReviewWorkflow,
            payload=ReviewRequest,
            summary="Review for {tenant_id}: {action} {task}",
            search_attributes={"SupplierCode": "supplier_code"},
            description="List results in review, or accept, reject or correct some of them.",
            needs_caller=True,
        ),
        Route(
            workflow=TrainWorkflow,
            payload=TrainRequest,
            workflow_id="gardener_train-{tenant_id}",
            summary="Train {task} for {tenant_id}",
            description="Train a task's model on what people decided; use it if it is no worse.",
            needs_caller=True,
        ),
    ],
    activities=open_activities,
    spread_activities=True,  # batches of one run keep several workers computing
)
