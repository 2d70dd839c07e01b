"""A worker killed in the middle of a run loses nothing and doubles nothing."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle

from contextcore import ContextUnit
from contextworker.brain import Brain
from contextworker.core.testing.server import TemporalServer
from contextworker.harvest.messages import HarvestReport
from contextworker.harvest.module import module

ROWS = 10_000
BATCH_ROWS = 50
POLL_S = 0.05  # between two looks at the run


@asynccontextmanager
async def harvest_worker(
    variables: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the worker as operators do, in a process of its own."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "contextworker.harvest",
            env={**os.environ, **variables},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def stored_rows(handle: WorkflowHandle[Any, Any]) -> int:
    """Return the rows that the running sync has told of."""
    description = await handle.describe()
    for pending in description.raw_description.pending_activities:
        if pending.activity_type.name == "sync_to_brain" and pending.heartbeat_details.payloads:
            details = await description.data_converter.decode(pending.heartbeat_details.payloads)
            return int(details[0]["done"])
    return 0


async def test_kill_in_the_middle_of_a_run(
    *,
    temporal: TemporalServer,
    client: Client,
    brain: Brain,
    environment: dict[str, str],
    suppliers: Any,
    tmp_path: Path,
) -> None:
    """After kill -9 during the sync another worker completes it: every product exactly once."""
    suppliers.csv("camp", ROWS)
    variables = (
        environment | temporal.environment | {"CONTEXTWORKER_HARVEST_BATCH_ROWS": str(BATCH_ROWS)}
    )
    handle: WorkflowHandle[Any, ContextUnit] = await client.start_workflow(
        "harvest",
        ContextUnit(
            payload={"workflow_type": "harvest", "supplier_code": "camp", "tenant_id": "acme"},
            provenance=["test:kill"],
        ),
        id="harvest-acme-camp-kill",
        task_queue=module.queue,
        result_type=ContextUnit,
    )
    async with harvest_worker(variables, tmp_path / "first.log") as process:
        async with asyncio.timeout(60):
            while not (rows := await stored_rows(handle)):
                assert process.returncode is None, (tmp_path / "first.log").read_text()
                await asyncio.sleep(POLL_S)
        process.kill()
        await process.wait()
    interrupted = sum((await brain.count_products("acme")).values())
    assert 0 < rows <= interrupted < ROWS

    async with harvest_worker(variables, tmp_path / "second.log"):
        report = HarvestReport.model_validate((await handle.result()).payload)
    assert (ROWS, ROWS, 0, 0) == (report.rows, report.inserted, report.updated, report.unchanged)
    skus = await _skus(brain)
    assert {f"camp-{number}" for number in range(ROWS)} == set(skus)
    assert ROWS == len(skus)


async def _skus(brain: Brain) -> list[str]:
    skus: list[str] = []
    after = None
    while page := await brain.list_products("acme", limit=1000, after=after):
        skus += [product.sku for product in page]
        after = page[-1].product_id
    return skus
