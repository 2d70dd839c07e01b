"""Two gateways behind one address, killed at random: nothing acknowledged is lost or done twice."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import flood_module
import pytest
from crowd import ClientCrowd, Crowd, unit_of
from one_address import one_address
from running_system import PATIENCE_S, System
from temporalio.client import Client

from contextworker.core.testing import TemporalServer
from contextworker.core.testing.server import free_port

REPLICAS = ("gateway-1", "gateway-2")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A Temporal server, and a worker that ends runs while their starts are still being retried."""
    system = System(folder=tmp_path, brain_url="", temporal=TemporalServer())
    system.temporal.start()
    try:
        system.start("worker", "python", flood_module.__file__, says="polls flood-tasks")
        yield system
    finally:
        system.close()


async def start_replica(system: System, name: str, port: int) -> None:
    """Start a gateway without holding up the callers in this process."""
    await asyncio.to_thread(
        system.start, name, "gateway", says="gateway listening on", WORKER_PORT=str(port)
    )


async def runs_of(client: Client, tenant_id: str) -> Counter[str]:
    """Count a tenant's runs by workflow id, as Temporal lists them."""
    listed = client.list_workflows("WorkflowType STARTS_WITH 'flood'")
    return Counter([run.id async for run in listed if f"-{tenant_id}-" in run.id])


FULL = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(
    ("callers", "workflow_type", "units", "kills"),
    [
        pytest.param(Crowd, "flood", 200, 3, id="stubs", marks=pytest.mark.slow),
        pytest.param(ClientCrowd, "flood_named", 200, 3, id="clients"),
        pytest.param(Crowd, "flood_named", 2000, 12, id="2,000 stubs", marks=FULL),
        pytest.param(ClientCrowd, "flood", 2000, 12, id="2,000 clients", marks=FULL),
    ],
)
async def test_replicas_are_killed_and_every_unit_has_one_run(
    system: System, callers: type[Crowd], workflow_type: str, units: int, kills: int
) -> None:
    """Callers send their unit again until it is acknowledged; a killed gateway comes back."""
    client = await system.temporal.connect()
    ports = {name: free_port() for name in REPLICAS}
    due = asyncio.Semaphore(0)
    killed: list[int] = []

    def count(crowd: Crowd) -> None:
        if len(crowd.answers) % (units // (kills + 1)) == 0:
            due.release()

    async def kill_at_random(crowd: Crowd) -> None:
        for _ in range(kills):
            await due.acquire()
            name = random.choice(REPLICAS)
            system.kill(name)
            killed.append(len(crowd.answers))
            await start_replica(system, name, ports[name])

    for name, port in ports.items():
        await start_replica(system, name, port)
    async with one_address(list(ports.values())) as way:
        crowd = callers(way.address, on_answer=count)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(kill_at_random(crowd))
            await crowd.start(unit_of(workflow_type, "acme", number) for number in range(units))

    acknowledged = dict(crowd.answers.values())
    assert kills == len(killed)
    assert units == len(acknowledged)
    for workflow_id, run_id in acknowledged.items():
        run = await client.get_workflow_handle(workflow_id).describe()
        assert run_id == run.run_id
    async with asyncio.timeout(PATIENCE_S):  # until Temporal's list has them all
        while sum((found := await runs_of(client, "acme")).values()) < units:
            await asyncio.sleep(0.1)
    assert dict.fromkeys(acknowledged, 1) == found
