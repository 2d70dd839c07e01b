"""The gardener end to end: real Temporal, real worker, real Brain."""

import asyncio
import os
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from contextcore import ContextUnit
from contextworker.brain import Brain, EnrichmentStatus
from contextworker.core.errors import PermanentError, TransientError
from contextworker.core.messages import Progress
from contextworker.core.objects import ObjectStore
from contextworker.core.plugin import ContextPlugin
from contextworker.core.registry import Activity, ModuleConfig
from contextworker.core.settings import WorkerSettings
from contextworker.core.testing import TemporalServer, running, server
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.core.worker import shared_modules
from contextworker.gardener.activities import Gardening
from contextworker.gardener.messages import Batch, ClaimRequest, EnrichRequest, TaskOutput
from contextworker.gardener.module import module
from contextworker.gardener.settings import GardenerSettings

Harvest = Callable[..., Awaitable[None]]
Handle = WorkflowHandle[Any, ContextUnit]


async def start(client: Client, **fields: Any) -> Handle:
    """Start a gardener for the tenant acme."""
    unit = ContextUnit(
        payload={"workflow_type": "gardener", "tenant_id": "acme", **fields},
        provenance=["tests:trigger"],
    )
    return await client.start_workflow(
        "gardener",
        unit,
        id=f"gardener-{unit.unit_id}",
        task_queue=module.queue,
        result_type=ContextUnit,
    )


async def pending(brain: Brain) -> int:
    """Count what waits."""
    return (await brain.count_products("acme"))[EnrichmentStatus.PENDING]


async def continued(client: Client, handle: Handle) -> int:
    """Count the runs that ended by continuing as new."""
    runs = client.list_workflows(
        f"WorkflowId = '{handle.id}' and ExecutionStatus = 'ContinuedAsNew'"
    )
    return len([run async for run in runs])


async def test_500_products_go_through_until_none_is_pending(
    client: Client, brain: Brain, harvest: Harvest, record_history: RecordHistory
) -> None:
    """The report says what became of them, in the answer's payload."""
    await harvest(500)

    async with running(client, module):
        handle = await start(client)
        answer = await handle.result()
        progress = await handle.query("progress", result_type=Progress)

    assert {
        "outcome": "nothing_pending",
        "batches": 3,
        "products": 500,
        "changed": 0,
        "by_status": {"done": 300, "review": 200},
        "by_task": {
            "taxonomy": {"done": 400, "review": 100},
            "brand_model": {"done": 300, "review": 200},
            "attributes": {"done": 500},
        },
        "remaining": 0,
    } == answer.payload
    assert ["tests:trigger", "worker:gardener"] == answer.provenance
    assert Progress(stage="enriching", done=500, total=500, unit="products") == progress
    assert 0 == await pending(brain)
    await record_history(handle, module, "nothing-pending")


async def test_max_batches_stops_a_run(
    client: Client, brain: Brain, harvest: Harvest, record_history: RecordHistory
) -> None:
    """What is left is counted, and the next run takes it up."""
    await harvest(50)

    async with running(client, module):
        handle = await start(client, batch_size=10, max_batches=2)
        answer = await handle.result()

    report = answer.payload
    assert ("max_batches", 2, 20, 30) == (
        report["outcome"],
        report["batches"],
        report["products"],
        report["remaining"],
    )
    assert 30 == await pending(brain)
    await record_history(handle, module, "max-batches")


async def test_one_supplier_can_be_enriched_alone(
    client: Client, brain: Brain, harvest: Harvest
) -> None:
    """The others' products keep waiting."""
    await harvest(5)
    await harvest(7, dealer_code="other")

    async with running(client, module):
        answer = await (await start(client, supplier_code="other")).result()

    assert (7, 0) == (answer.payload["products"], answer.payload["remaining"])
    assert 5 == await pending(brain)


async def test_a_long_run_continues_as_new_and_keeps_its_totals(
    client: Client, harvest: Harvest
) -> None:
    """After 50 batches; max_batches counts over all runs, and provenance grows by one label."""
    await harvest(60)

    async with running(client, module):
        handle = await start(client, batch_size=1, max_batches=53)
        answer = await handle.result()

    report = answer.payload
    assert 1 == await continued(client, handle)
    assert ("max_batches", 53, 53, 7) == (
        report["outcome"],
        report["batches"],
        report["products"],
        report["remaining"],
    )
    assert 53 == sum(report["by_status"].values())
    assert [53, 53, 53] == [sum(counts.values()) for counts in report["by_task"].values()]
    assert ["tests:trigger", "worker:gardener"] == answer.provenance


async def test_a_run_continues_as_new_when_the_server_suggests_it(
    harvest: Harvest, monkeypatch: pytest.MonkeyPatch, record_history: RecordHistory
) -> None:
    """A server whose limits are lower than ours is listened to."""
    suggest = "--dynamic-config-value=limit.historyCount.suggestContinueAsNew=40"
    monkeypatch.setattr(server, "SERVER_FLAGS", (*server.SERVER_FLAGS, suggest))
    await harvest(20)

    async with server.temporal_server() as temporal:
        client = await temporal.connect(*shared_modules([module]))
        async with running(client, module):
            handle = await start(client, batch_size=4)
            answer = await handle.result()
            runs = await continued(client, handle)
            await record_history(handle, module, "continued")
            first = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
            await record_history(first, module, "continues")

    assert runs >= 1
    assert ("nothing_pending", 5, 20) == (
        answer.payload["outcome"],
        answer.payload["batches"],
        answer.payload["products"],
    )


async def test_a_product_changed_in_the_middle_comes_again_in_the_next_batch(
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    record_history: RecordHistory,
) -> None:
    """A harvest changes three products after the claim: they are enriched as they are now."""
    await harvest(10)
    claims = 0

    async def change_once(_: Batch) -> None:
        nonlocal claims
        claims += 1
        if claims == 1:
            await harvest(3, price=2)

    async with running(client, disturbed(Disturbed(brain, objects, change_once))):
        handle = await start(client, batch_size=10)
        report = (await handle.result()).payload

    assert ("nothing_pending", 2, 10, 3) == (
        report["outcome"],
        report["batches"],
        report["products"],
        report["changed"],
    )
    assert 0 == await pending(brain)
    await record_history(handle, module, "changed-meanwhile")


async def test_a_run_that_comes_to_nothing_ends(
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    record_history: RecordHistory,
) -> None:
    """Every product changes under every batch: two idle batches, then the run says so."""
    await harvest(5)
    price = 1

    async def change_all(_: Batch) -> None:
        nonlocal price
        price += 1
        await harvest(5, price=price)

    async with running(client, disturbed(Disturbed(brain, objects, change_all))):
        handle = await start(client)
        report = (await handle.result()).payload

    assert ("no_progress", 2, 0, 10, 5) == (
        report["outcome"],
        report["batches"],
        report["products"],
        report["changed"],
        report["remaining"],
    )
    await record_history(handle, module, "no-progress")


async def test_a_task_that_fails_for_good_marks_its_products_and_the_run_goes_on(
    client: Client,
    brain: Brain,
    objects: ObjectStore,
    harvest: Harvest,
    record_history: RecordHistory,
) -> None:
    """Pending shrinks, and the reason stands with each product."""
    await harvest(5)

    async with running(client, disturbed(Broken(brain, objects, GardenerSettings()))):
        handle = await start(client)
        report = (await handle.result()).payload

    assert ("nothing_pending", {"error": 5}) == (report["outcome"], report["by_status"])
    product = (await brain.list_products("acme"))[0]
    assert "taxonomy failed: PermanentError: no" == product.enrichment["taxonomy"]["reason"]
    await record_history(handle, module, "task-fails")


async def test_a_killed_worker_loses_nothing(
    client: Client,
    temporal: TemporalServer,
    brain: Brain,
    environment: dict[str, str],
    harvest: Harvest,
) -> None:
    """A worker is killed in the middle; another finishes, with every product enriched once."""
    await harvest(200)
    variables = {**environment, **temporal.environment}

    with gardener_process(variables) as first:
        handle = await start(client, batch_size=10)
        await until(lambda: enriched(brain, at_least=20))
        first.kill()
        first.wait()
    left = await pending(brain)
    with gardener_process(variables):
        report = (await handle.result()).payload

    assert 0 < left < 200
    assert ("nothing_pending", 200, 0) == (
        report["outcome"],
        report["products"],
        report["remaining"],
    )
    assert 200 == sum(report["by_status"].values())
    counts = await brain.count_products("acme")
    assert (120, 80) == (counts[EnrichmentStatus.DONE], counts[EnrichmentStatus.REVIEW])


class Disturbed(Gardening):
    """The real activities, with something happening right after each claim."""

    def __init__(
        self, brain: Brain, objects: ObjectStore, happens: Callable[[Batch], Awaitable[None]]
    ) -> None:
        super().__init__(brain, objects, GardenerSettings())
        self._happens = happens

    @activity.defn(name="claim_batch")
    async def claim_batch(self, request: ClaimRequest) -> Batch:
        """Claim, then let it happen."""
        batch = await super().claim_batch(request)
        await self._happens(batch)
        return batch


class Broken(Gardening):
    """The real activities, but for one."""

    @activity.defn(name="taxonomy")
    async def taxonomy(self, request: EnrichRequest) -> TaskOutput:
        """Fail for good."""
        raise PermanentError("no")


def disturbed(gardening: Gardening) -> ModuleConfig:
    """The gardener's module with other activities."""

    @asynccontextmanager
    async def open_activities() -> AsyncIterator[Sequence[Activity]]:
        yield [
            gardening.count_pending,
            gardening.list_brands,
            gardening.claim_batch,
            gardening.taxonomy,
            gardening.brand_model,
            gardening.attributes,
            gardening.store_enrichment,
        ]

    opened: Callable[[], AbstractAsyncContextManager[Sequence[Activity]]] = open_activities
    return ModuleConfig(name=module.name, workflows=module.workflows, activities=opened)


@contextmanager
def gardener_process(variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m contextworker.gardener` while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "contextworker.gardener"], env={**os.environ, **variables}
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


async def enriched(brain: Brain, *, at_least: int) -> bool:
    """Tell whether so many products have been enriched."""
    counts = await brain.count_products("acme")
    return sum(counts.values()) - counts[EnrichmentStatus.PENDING] >= at_least


async def until(condition: Callable[[], Awaitable[bool]], *, timeout_s: float = 30) -> None:
    """Wait for a condition, checked often."""
    async with asyncio.timeout(timeout_s):
        while not await condition():
            await asyncio.sleep(0.02)


class Away(Gardening):
    """The real activities, but one whose object store never comes back."""

    @activity.defn(name="taxonomy")
    async def taxonomy(self, request: EnrichRequest) -> TaskOutput:
        """Fail for now."""
        raise TransientError("the store is away")


async def test_an_outage_without_end_fails_the_run_and_marks_no_product(
    brain: Brain, objects: ObjectStore, harvest: Harvest, record_history: RecordHistory
) -> None:
    """Products keep waiting for a better day; only what fails for good is an error of theirs."""
    await harvest(5)
    plugin = ContextPlugin(*shared_modules([module]))
    program = sysconfig.get_path("scripts") + "/temporal-test-server"

    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=program, plugins=[plugin]
    ) as skipping:
        settings = WorkerSettings(shutdown_grace_s=1, versioning=False)
        away = disturbed(Away(brain, objects, GardenerSettings()))
        async with running(skipping.client, away, settings=settings):
            handle = await start(skipping.client)
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            await record_history(handle, module, "outage")

    assert 5 == await pending(brain)
