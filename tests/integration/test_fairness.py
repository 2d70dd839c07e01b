"""One tenant's flood does not hold up another's work: Temporal's fairness, from end to end."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import flood_module
import pytest
from crowd import Crowd, unit_of
from running_system import System
from temporalio.client import Client, WorkflowExecutionStatus

from contextcore import ContextUnit
from contextworker.core.testing import TemporalServer

FEW_SLOTS = {
    "CONTEXTWORKER_MAX_CONCURRENT_ACTIVITIES": "2",
    "CONTEXTWORKER_MAX_CONCURRENT_WORKFLOW_TASKS": "2",
}


# Turns are taken within a partition of the queue, and a worker with few slots may look into one of
# four for the first time after seconds: too late for a small flood.
ONE_PARTITION = (
    "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
    "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
)


@pytest.fixture
def flags() -> Sequence[str]:
    """Configure Temporal further; a test's parameters may say how."""
    return ()


@pytest.fixture
def small_system(tmp_path: Path, flags: Sequence[str]) -> Iterator[System]:
    """A Temporal server and a gateway; no worker polls, but the flood's routes are known."""
    system = System(folder=tmp_path, brain_url="", temporal=TemporalServer(flags=flags))
    system.temporal.start()
    try:
        system.start_gateway()
        start_worker(system)
        system.kill("worker")
        yield system
    finally:
        system.close()


def start_worker(system: System) -> None:
    """Start the worker with so few slots that work waits for it."""
    system.start("worker", "python", flood_module.__file__, says="polls flood-tasks", **FEW_SLOTS)


async def send(
    system: System, tenant_id: str, number: int, workflow_type: str = "flood"
) -> list[str]:
    """Start runs for a tenant; returns their workflow ids."""
    crowd = Crowd(f"127.0.0.1:{system.port}")
    await crowd.start(unit_of(workflow_type, tenant_id, index) for index in range(number))
    return [answer.workflow_id for answer in crowd.answers.values()]


async def closed_by(client: Client, runs: Sequence[str], moment: datetime) -> int:
    """Count the runs that had closed at a moment, as their histories tell."""
    slots = asyncio.Semaphore(32)

    async def was_closed(workflow_id: str) -> bool:
        async with slots:
            run = await client.get_workflow_handle(workflow_id).describe()
        return run.close_time is not None and run.close_time <= moment

    return sum(await asyncio.gather(*map(was_closed, runs)))


@pytest.mark.parametrize(
    ("size", "flags"),
    [
        pytest.param(300, ONE_PARTITION, id="quick"),
        pytest.param(10_000, (), id="full", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
async def test_a_single_run_overtakes_another_tenants_flood(
    small_system: System, size: int
) -> None:
    """It was sent last, and ends before 5 % of the flood has."""
    client = await small_system.temporal.connect()
    flood = await send(small_system, "flooding", size)
    [single] = await send(small_system, "patient", 1)

    start_worker(small_system)
    await client.get_workflow_handle(single).result()

    done = await client.get_workflow_handle(single).describe()
    assert WorkflowExecutionStatus.COMPLETED == done.status
    assert done.close_time
    assert await closed_by(client, flood, done.close_time) < 0.05 * size


async def test_what_a_run_begins_is_its_tenants_as_well(small_system: System) -> None:
    """Activities and children wait in the same queues, so they carry the fairness key, too."""
    client = await small_system.temporal.connect()
    start_worker(small_system)

    [family] = await send(small_system, "acme", 1, "flood_family")
    unit = await client.get_workflow_handle(family, result_type=ContextUnit).result()

    expected = dict.fromkeys(("run", "activity", "child", "activity of the child"), "acme")
    assert expected == unit.payload
