"""Starts gardeners, in this process and in others, and disturbs them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from temporalio.client import Client, WorkflowHandle

from contextcore import ContextUnit, UnitMetrics
from contextworker.brain import Brain, Enrichment, EnrichmentStatus
from contextworker.core.client import AsyncWorkerClient, ClientError
from contextworker.core.objects import ObjectStore
from contextworker.core.registry import Activity, ModuleConfig
from contextworker.gardener.enrichers.configuration import Configuration, read_configuration
from contextworker.gardener.enriching.activities import Gardening
from contextworker.gardener.module import module
from contextworker.gardener.settings import GardenerSettings

Harvest = Callable[..., Awaitable[None]]
Handle = WorkflowHandle[Any, ContextUnit]


async def start(client: Client, *, cost_limit_usd: float = 0, **fields: Any) -> Handle:
    """Start a gardener, for the tenant acme unless it is another's."""
    unit = ContextUnit(
        payload={"workflow_type": "gardener", "tenant_id": "acme", **fields},
        provenance=["tests:trigger"],
        metrics=UnitMetrics(cost_limit_usd=cost_limit_usd),
    )
    return await client.start_workflow(
        "gardener",
        unit,
        id=f"gardener-{unit.unit_id}",
        task_queue=module.queue,
        result_type=ContextUnit,
    )


async def pending(brain: Brain, tenant_id: str = "acme") -> int:
    """Count what waits to be enriched."""
    return (await brain.count_products(tenant_id))[EnrichmentStatus.PENDING]


async def settled(brain: Brain, tenant_id: str = "acme") -> int:
    """Count what does not."""
    counts = await brain.count_products(tenant_id)
    return sum(counts.values()) - counts[EnrichmentStatus.PENDING]


async def continued(client: Client, handle: Handle) -> int:
    """Count the runs that ended by continuing as new, from one to the next: lists are late."""
    run_id, count = handle.first_execution_run_id, 0
    while True:
        history = await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        ended = history.events[-1].workflow_execution_continued_as_new_event_attributes
        if not ended.new_execution_run_id:
            return count
        run_id, count = ended.new_execution_run_id, count + 1


def gardening(
    brain: Brain, objects: ObjectStore, configuration: Configuration | None = None
) -> Gardening:
    """Make the activities, with the packaged configuration unless there is another."""
    return Gardening(brain, objects, GardenerSettings(), configuration or read_configuration(None))


def with_activities(activities: Sequence[Activity]) -> ModuleConfig:
    """Return the gardener's module with other activities."""

    @asynccontextmanager
    async def open_activities() -> AsyncIterator[Sequence[Activity]]:
        yield activities

    return ModuleConfig(name=module.name, workflows=module.workflows, activities=open_activities)


class Disturbed:
    """A Brain with something happening right before each claim is settled."""

    def __init__(
        self, brain: Brain, happens: Callable[[Sequence[Enrichment]], Awaitable[None]]
    ) -> None:
        self._brain = brain
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._brain, name)

    async def settle_claim(
        self, tenant_id: str, *, claim_id: str, enrichments: Sequence[Enrichment]
    ) -> tuple[str, ...]:
        """Let it happen, then settle."""
        await self._happens(enrichments)
        return await self._brain.settle_claim(tenant_id, claim_id=claim_id, enrichments=enrichments)


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


async def serves(caller: AsyncWorkerClient) -> bool:
    """Tell whether a gateway knows the gardener: Temporal's list of what is promoted is late."""
    try:
        return any(found.name == module.name for found in await caller.modules())
    except ClientError:
        return False


async def until(condition: Callable[[], Awaitable[bool]], *, timeout_s: float = 60) -> None:
    """Wait for a condition, checked often."""
    async with asyncio.timeout(timeout_s):
        while not await condition():
            await asyncio.sleep(0.02)
