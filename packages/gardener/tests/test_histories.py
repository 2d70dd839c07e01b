"""What released gardeners did still replays: runs outlive releases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError

from contextcore import ContextUnit
from contextworker.brain import Brain, EnrichmentStatus
from contextworker.core.objects import ObjectStore
from contextworker.core.registry import Activity, ModuleConfig
from contextworker.core.testing import RecordedHistory, running
from contextworker.core.testing.fixtures import RecordHistory, replayed
from contextworker.gardener.activities import Gardening
from contextworker.gardener.messages import EnrichRequest, TaskOutput
from contextworker.gardener.module import module
from contextworker.gardener.settings import GardenerSettings


@pytest.mark.parametrize("history", replayed(module, beside=__file__))
async def test_a_recorded_run_replays(history: RecordedHistory) -> None:
    """Runs that earlier releases of this series began can go on with today's code."""
    await history.replay()


async def start(client: Client, **fields: Any) -> WorkflowHandle[Any, Any]:
    """Start a gardener."""
    unit = ContextUnit(payload={"workflow_type": "gardener", "tenant_id": "acme", **fields})
    return await client.start_workflow(
        "gardener", unit, id=f"gardener-{unit.unit_id}", task_queue=module.queue
    )


async def test_a_wrong_request_fails_the_run(
    client: Client, environment: dict[str, str], record_history: RecordHistory
) -> None:
    """A payload the gateway would have refused ends the run rather than retrying for ever."""
    async with running(client, module):
        handle = await start(client, batch_size=0)
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()

    assert isinstance(caught.value.cause, ApplicationError)
    assert "batch_size" in caught.value.cause.message
    await record_history(handle, module, "wrong-request")


async def test_a_cancelled_run_stops_and_its_products_stay_pending(
    *,
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Callable[..., Awaitable[None]],
    record_history: RecordHistory,
) -> None:
    """What was claimed and not stored waits for the next run."""
    await harvest(5)
    gardening = Gardening(brain, objects, GardenerSettings())
    asked = asyncio.Event()

    @activity.defn(name="taxonomy")
    async def wait(_: EnrichRequest) -> TaskOutput:
        asked.set()
        while True:
            activity.heartbeat()
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def open_activities() -> AsyncIterator[Sequence[Activity]]:
        yield [
            gardening.count_pending,
            gardening.list_brands,
            gardening.claim_batch,
            wait,
            gardening.brand_model,
            gardening.attributes,
        ]

    async with running(client, ModuleConfig(module.name, module.workflows, open_activities)):
        handle = await start(client)
        await asyncio.wait_for(asked.wait(), timeout=30)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()

    assert isinstance(caught.value.cause, CancelledError)
    assert 5 == (await brain.count_products("acme"))[EnrichmentStatus.PENDING]
    await record_history(handle, module, "cancelled")
