"""A worker's memory does not grow with the feed."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.testing.server import TemporalServer
from contextworker.harvest.messages import HarvestReport
from contextworker.harvest.module import module

FEW, MANY = 100_000, 1_000_000
MOST_MB = 500
MOST_GROWTH = 1.3

# Tells its peak memory when it is asked to end.
WORKER = """
import atexit, pathlib
def peak():
    status = pathlib.Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
atexit.register(peak)
from contextworker.harvest.__main__ import main
main()
"""


async def peak_mb(
    client: Client, variables: dict[str, str], *, workflow_id: str, rows: int
) -> float:
    """Harvest a feed by a worker of its own, and return the worker's peak."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WORKER,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        unit = ContextUnit(
            payload={"workflow_type": "harvest", "supplier_code": "camp", "tenant_id": "acme"},
            provenance=["test:memory"],
        )
        answer: ContextUnit = await client.execute_workflow(
            "harvest", unit, id=workflow_id, task_queue=module.queue, result_type=ContextUnit
        )
        assert rows == HarvestReport.model_validate(answer.payload).inserted
        process.terminate()
        output, _ = await process.communicate()
        return int(output.split()[-1]) / 1024
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
async def test_memory(
    temporal: TemporalServer,
    client: Client,
    environment: dict[str, str],
    suppliers: Any,
    tmp_path: Path,
) -> None:
    """Ten times the rows take less than 1.3 times the memory, and less than 500 MB."""
    peaks = []
    for rows in (FEW, MANY):
        suppliers.csv("camp", rows)
        variables = (
            environment
            | temporal.environment
            | {
                "BRAIN_URL": f"sqlite:///{tmp_path}/brain{rows}.db",
                "CONTEXTWORKER_HARVEST_BATCH_ROWS": "25000",
                "CONTEXTWORKER_HARVEST_HEARTBEAT_TIMEOUT_S": "20",
            }
        )
        peaks.append(
            await peak_mb(
                client, variables, workflow_id=f"memory-{tmp_path.name}-{rows}", rows=rows
            )
        )
    few, many = peaks
    assert many < MOST_MB, peaks
    assert many / few < MOST_GROWTH, peaks
