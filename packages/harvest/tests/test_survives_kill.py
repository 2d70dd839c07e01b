"""A worker killed in the middle of a run loses nothing and doubles nothing."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from postgresql_server import postgresql_server
from temporalio.client import Client, WorkflowHandle

from contextcore import ContextUnit
from contextworker.brain import RunStatus, open_brain
from contextworker.core.testing.server import TemporalServer
from contextworker.harvest.messages import HarvestReport
from contextworker.harvest.module import module

BATCH_ROWS = 20  # so few that a sync is under way for long after it has told of rows
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


async def rows_stored(handle: WorkflowHandle[Any, Any]) -> int:
    """Return the rows that a running sync has told of."""
    description = await handle.describe()
    for pending in description.raw_description.pending_activities:
        if pending.activity_type.name == "sync_to_brain" and pending.heartbeat_details.payloads:
            details = await description.data_converter.decode(pending.heartbeat_details.payloads)
            return int(details[0]["done"])
    return 0


def batches_in(environment: Mapping[str, str]) -> int:
    """Return how many batches are in the object store."""
    root = Path(environment["CONTEXTWORKER_STORE_URL"].removeprefix("file://"))
    return len([*root.glob("acme/harvest/camp/runs/*/*")])


@pytest.fixture
def brain_url(request: pytest.FixtureRequest, environment: dict[str, str]) -> Iterator[str]:
    """The URL of an empty Brain: SQLite's, or on a PostgreSQL server of the test's own."""
    if request.param == "sqlite":
        yield environment["BRAIN_URL"]
        return
    with postgresql_server() as server:
        yield server.get_uri()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("brain_url", "step", "rows"),
    [
        pytest.param("sqlite", "sync_to_brain", 10_000, id="sqlite-sync"),
        pytest.param(
            "postgresql", "sync_to_brain", 20_000, id="postgresql-sync", marks=pytest.mark.slow
        ),
        pytest.param(
            "sqlite", "transform_data", 300_000, id="sqlite-transform", marks=pytest.mark.slow
        ),
        pytest.param(
            "postgresql",
            "transform_data",
            300_000,
            id="postgresql-transform",
            marks=pytest.mark.slow,
        ),
    ],
    indirect=["brain_url"],
)
async def test_kill_in_the_middle_of_a_run(
    *,
    temporal: TemporalServer,
    client: Client,
    environment: dict[str, str],
    suppliers: Any,
    tmp_path: Path,
    brain_url: str,
    step: str,
    rows: int,
) -> None:
    """After kill -9 another worker completes the run: every product once, every count exact."""
    suppliers.csv("camp", rows)
    batch_rows = BATCH_ROWS if step == "sync_to_brain" else 25_000
    variables = (
        environment
        | temporal.environment
        | {
            "BRAIN_URL": brain_url,
            "CONTEXTWORKER_HARVEST_BATCH_ROWS": str(batch_rows),
            # What the run waits for after the kill.
            "CONTEXTWORKER_HARVEST_HEARTBEAT_TIMEOUT_S": "2",
        }
    )
    handle: WorkflowHandle[Any, ContextUnit] = await client.start_workflow(
        "harvest",
        ContextUnit(
            payload={"workflow_type": "harvest", "supplier_code": "camp", "tenant_id": "acme"},
            provenance=["test:kill"],
        ),
        id=f"harvest-acme-camp-kill-{tmp_path.name}",
        task_queue=module.queue,
        result_type=ContextUnit,
    )
    told = 0
    async with harvest_worker(variables, tmp_path / "first.log") as process, asyncio.timeout(60):
        if step == "transform_data":
            while not batches_in(variables):
                await asyncio.sleep(POLL_S)
        else:
            while not (told := await rows_stored(handle)):
                await asyncio.sleep(POLL_S)
        process.kill()
        await process.wait()
    async with open_brain(brain_url) as brain:
        interrupted = sum((await brain.count_products("acme")).values())
        assert told <= interrupted < rows
        assert (interrupted == 0) == (step == "transform_data")
        async with harvest_worker(variables, tmp_path / "second.log"):
            report = HarvestReport.model_validate((await handle.result()).payload)
        assert (rows, rows, 0, 0, 0) == (
            report.rows,
            report.inserted,
            report.updated,
            report.unchanged,
            report.removed,
        )
        (run,) = await brain.list_runs("acme")
        assert (RunStatus.COMPLETED, rows) == (run.status, run.inserted)
        skus = [
            sku
            async for frame in brain.known_products("acme", dealer_code="camp")
            for sku in frame["sku"]
        ]
    assert {f"camp-{number}" for number in range(rows)} == set(skus)
    assert rows == len(skus)
