"""What released gardeners did still replays: runs outlive releases."""

import asyncio
import sysconfig
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest
from gardener_runs import Disturbed, Harvest, gardening, pending, start, with_activities
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError
from temporalio.testing import WorkflowEnvironment

from contextworker.brain import Brain, Enrichment
from contextworker.core.errors import PermanentError, TransientError
from contextworker.core.objects import ObjectStore
from contextworker.core.plugin import ContextPlugin
from contextworker.core.settings import WorkerSettings
from contextworker.core.testing import RecordedHistory, running
from contextworker.core.testing.fixtures import RecordHistory, replayed
from contextworker.core.worker import shared_modules
from contextworker.gardener.module import module


@pytest.mark.parametrize("history", replayed(module, beside=__file__))
async def test_a_recorded_run_replays(history: RecordedHistory) -> None:
    """Runs that earlier releases of this series began can go on with today's code."""
    await history.replay()


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


async def test_a_cancelled_run_lets_go_of_its_products(
    *,
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    record_history: RecordHistory,
) -> None:
    """They are pending, and the next claim gets them at once: nothing waits for a lease."""
    await harvest(50)
    asked = asyncio.Event()

    async def wait(enrichments: Sequence[Enrichment]) -> None:
        if enrichments:
            asked.set()
            await asyncio.Event().wait()

    stuck = gardening(cast("Brain", Disturbed(brain, wait)), objects)
    async with running(client, with_activities(stuck.all)):
        handle = await start(client, batch_size=10)
        await asyncio.wait_for(asked.wait(), timeout=60)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()

    assert isinstance(caught.value.cause, CancelledError)
    free = await brain.claim_products(
        "acme", claim_id="next", limit=100, lease=timedelta(seconds=60)
    )
    assert 50 == len(free.products)
    await record_history(handle, module, "cancelled")


async def test_a_run_that_fails_lets_go_of_its_products(
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    record_history: RecordHistory,
) -> None:
    """What will not come right by itself fails at its first attempt, and keeps nothing."""
    await harvest(50)
    failing = False

    async def fail(enrichments: Sequence[Enrichment]) -> None:
        nonlocal failing
        if not failing and enrichments:
            failing = True
            raise PermanentError("no")

    broken = gardening(cast("Brain", Disturbed(brain, fail)), objects)
    async with running(client, with_activities(broken.all)):
        handle = await start(client, batch_size=10, parallel=2)
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()

    assert isinstance(caught.value.cause, ActivityError)
    free = await brain.claim_products(
        "acme", claim_id="next", limit=100, lease=timedelta(seconds=60)
    )
    assert await pending(brain) == len(free.products)
    await record_history(handle, module, "fails")


async def test_an_outage_without_end_fails_the_run_and_marks_no_product(
    brain: Brain, objects: ObjectStore, harvest: Harvest, record_history: RecordHistory
) -> None:
    """Products keep waiting for a better day."""
    await harvest(5)
    plugin = ContextPlugin(*shared_modules([module]))
    program = sysconfig.get_path("scripts") + "/temporal-test-server"

    async def be_away(_: object) -> None:
        raise TransientError("the Brain is away")

    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=program, plugins=[plugin]
    ) as skipping:
        settings = WorkerSettings(shutdown_grace_s=1, versioning=False)
        away = gardening(cast("Brain", Disturbed(brain, be_away)), objects)
        async with running(skipping.client, with_activities(away.all), settings=settings):
            handle = await start(skipping.client)
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            await record_history(handle, module, "outage")

    assert 5 == await pending(brain)
