"""Runs modules in the test's own process, as their workers would run them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import Promotion, WorkerSettings
from contextworker.core.worker import run_worker


@asynccontextmanager
async def running(
    client: Client,
    *modules: ModuleConfig,
    settings: WorkerSettings | None = None,
    timeout_s: float = 60,
) -> AsyncIterator[None]:
    """Run the modules' workers while the block runs; they poll and are announced when it begins."""
    settings = settings or WorkerSettings(shutdown_grace_s=1, promotion=Promotion.ALWAYS)
    stop, ready = asyncio.Event(), asyncio.Event()
    worker = asyncio.create_task(
        run_worker(client, modules, settings, stop=stop, on_ready=ready.set)
    )
    started = asyncio.create_task(ready.wait())
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.wait({worker, started}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            await worker  # raises what stopped it
        yield
    finally:
        started.cancel()
        stop.set()
        await worker


async def execute(client: Client, module: ModuleConfig, unit: ContextUnit) -> ContextUnit:
    """Run the workflow that the unit's `workflow_type` names, and return its answer.

    Raises:
        temporalio.client.WorkflowFailureError: The workflow failed; its cause says why.
    """
    answer: ContextUnit = await client.execute_workflow(
        unit.payload["workflow_type"],
        unit,
        id=f"test-{unit.unit_id}",
        task_queue=module.queue,
        result_type=ContextUnit,
    )
    return answer
