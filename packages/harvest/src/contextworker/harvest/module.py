"""The harvest module, as workers run it and the gateway routes to it."""

import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contextworker.core.registry import Activity, ModuleConfig, Route
from contextworker.harvest.messages import WORKFLOW_ID, HarvestRequest
from contextworker.harvest.workflows import HarvestWorkflow


@asynccontextmanager
async def open_activities() -> AsyncIterator[Sequence[Activity]]:
    """Open the Brain and the object store, and give them to the activities."""
    from contextworker.harvest.allocator import return_freed_memory  # noqa: PLC0415 - as below

    return_freed_memory()
    # Only a worker needs these; who merely asks for the routes does not wait for them.
    from contextworker.brain import open_brain  # noqa: PLC0415
    from contextworker.core.metrics import reporting  # noqa: PLC0415
    from contextworker.core.objects import ObjectStore  # noqa: PLC0415
    from contextworker.core.settings import RuntimeSettings  # noqa: PLC0415
    from contextworker.harvest.activities import Harvester  # noqa: PLC0415
    from contextworker.harvest.counting import Freshness  # noqa: PLC0415
    from contextworker.harvest.feeds.fetch import Fetcher, fetch_limits  # noqa: PLC0415
    from contextworker.harvest.settings import HarvestSettings  # noqa: PLC0415
    from contextworker.harvest.suppliers import SupplierDirectory  # noqa: PLC0415

    # It logs every address it asks for, with the secrets some suppliers put in there.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = HarvestSettings()
    async with open_brain() as brain:
        suppliers = SupplierDirectory(settings.suppliers_dir)
        freshness = Freshness(brain, suppliers)
        harvester = Harvester(
            settings=settings,
            suppliers=suppliers,
            fetcher=Fetcher(fetch_limits(settings), environment=os.environ),
            store=ObjectStore.from_url(RuntimeSettings().store_url),
            brain=brain,
        )
        async with reporting(freshness.tell, "when suppliers were harvested"):
            yield [
                harvester.list_suppliers,
                harvester.start_harvest,
                harvester.fetch_products,
                harvester.transform_data,
                harvester.sync_to_brain,
                harvester.finish_harvest,
            ]


module = ModuleConfig(
    name="harvest",
    workflows=[
        Route(
            workflow=HarvestWorkflow,
            payload=HarvestRequest,
            workflow_id=WORKFLOW_ID,
            summary="Harvest {supplier_code} for {tenant_id}",
            search_attributes={"SupplierCode": "supplier_code"},
            description="Import a supplier's feeds into the Brain; `all` for every supplier.",
        )
    ],
    activities=open_activities,
)
