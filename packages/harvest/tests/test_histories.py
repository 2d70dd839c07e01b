"""What released harvests did still replays: runs outlive releases."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from contextcore import ContextUnit
from contextworker.core.registry import Activity, ModuleConfig
from contextworker.core.testing import RecordedHistory, running
from contextworker.core.testing.fixtures import RecordHistory, replayed
from contextworker.harvest.activities import Harvester
from contextworker.harvest.messages import FetchedFeeds, HarvestRun
from contextworker.harvest.module import module


@pytest.mark.parametrize("history", replayed(module, beside=__file__))
async def test_a_recorded_run_replays(history: RecordedHistory) -> None:
    """Runs that earlier releases of this series began can go on with today's code."""
    await history.replay()


@activity.defn(name="fetch_products")
async def say_nothing(run: HarvestRun) -> FetchedFeeds:
    """Neither answer nor send a heartbeat, as a worker that lost its network."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def test_a_fetch_that_falls_silent_fails_the_harvest(
    client: Client, harvester: Harvester, suppliers: Any, record_history: RecordHistory
) -> None:
    """Its heartbeats stop: after the last attempt the run says so, and ends."""
    suppliers.csv(
        "camp", 1, rest='[mapping]\nsku = "sku"\nname = "name"\n[retry]\nmaximum_attempts = 1\n'
    )

    @asynccontextmanager
    async def open_activities() -> AsyncIterator[Sequence[Activity]]:
        yield [harvester.start_harvest, say_nothing, harvester.finish_harvest]

    soon = harvester._settings.model_copy(update={"harvest_heartbeat_timeout_s": 1})
    harvester._settings = soon
    silent = ModuleConfig(module.name, module.workflows, open_activities)
    unit = ContextUnit(
        payload={"workflow_type": "harvest", "supplier_code": "camp", "tenant_id": "silent"}
    )
    async with running(client, silent):
        handle = await client.start_workflow(
            "harvest", unit, id="harvest-silent-camp", task_queue=module.queue
        )
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()

    assert isinstance(caught.value.cause, ApplicationError)
    assert "TimeoutError" == caught.value.cause.type
    await record_history(handle, module, "silent-fetch")
