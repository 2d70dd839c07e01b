"""A program that starts real harvests goes on whoever is killed, and each of them runs once."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest
from running_system import PATIENCE_S, System
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus

from contextworker.brain import open_brain
from contextworker.core.client import AsyncTask, AsyncWorkerClient

TENANT = "my_project"
HARVESTS, PRODUCTS = 50, 4
WORKERS = {
    "sandbox": ("sandbox-worker", "polls sandbox-tasks"),
    "another-sandbox": ("sandbox-worker", "polls sandbox-tasks"),
    "harvest": ("harvest-worker", "polls harvest-tasks"),
}
SUPPLIER = """
name = "{code}"
currency = "EUR"
[[sources]]
url = "{feed}"
[mapping]
sku = "sku"
name = "name"
price_retail = "price"
"""
PROGRAM = """
ids = []
for supplier in suppliers:
    ids.append(start_workflow("harvest", supplier_code=supplier))
    print(supplier)
    sleep(0.2)
ended = wait_for(ids)
again = wait_for(start_workflow("harvest", supplier_code=suppliers[0]))
[[one["status"], one["result"]["inserted"]] for one in ended + [again]]
"""


def write_suppliers(folder: Path) -> list[str]:
    """Write suppliers with a feed each; returns their codes."""
    codes = [f"supplier-{n}" for n in range(HARVESTS)]
    for code in codes:
        feed, rows = f"{code}.csv", [f"{code}-{n},Tent {n},{n}.50" for n in range(PRODUCTS)]
        (folder / feed).write_text("\n".join(["sku,name,price", *rows, ""]))
        (folder / f"{code}.toml").write_text(SUPPLIER.format(code=code, feed=feed))
    return codes


async def start(system: System, folder: Path, *names: str) -> None:
    """Start workers, all at the same time."""
    variables = {"CONTEXTWORKER_SUPPLIERS_DIR": str(folder), "CONTEXTWORKER_SANDBOX_PROCESSES": "1"}
    async with asyncio.TaskGroup() as starting:
        for name in names:
            command, says = WORKERS[name]
            starting.create_task(
                asyncio.to_thread(system.start, name, command, says=says, **variables)
            )


async def strike(system: System, folder: Path, blow: int, chance: random.Random) -> None:
    """Kill every worker, and at times what is behind them; all come back."""
    for name in WORKERS:
        system.kill(name)
    if blow % 3 == 1:
        system.kill("gateway")
    if blow % 3 == 2:
        system.temporal.kill()
        await asyncio.sleep(chance.uniform(0, 1))
        system.temporal.start()
        await system.temporal.answers()
    await start(system, folder, *WORKERS)
    if blow % 3 == 1:
        system.start_gateway()


async def goes_on(system: System, task: AsyncTask) -> None:
    """Wait until the program's history has grown: a killed worker answers no query."""
    handle = (await system.temporal.connect()).get_workflow_handle(task.workflow_id)
    known = (await handle.describe()).history_length
    async with asyncio.timeout(PATIENCE_S):
        while (await handle.describe()).history_length <= known:
            await asyncio.sleep(0.05)


async def ended(system: System, number: int) -> list[WorkflowExecution]:
    """Return the harvests, once Temporal's list has so many and that each has ended."""
    temporal = await system.temporal.connect()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            runs = [run async for run in temporal.list_workflows("WorkflowType = 'harvest'")]
            if len(runs) >= number and all(run.close_time for run in runs):
                return runs
            await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1])
async def test_fifty_harvests_are_each_run_once(system: System, tmp_path: Path, seed: int) -> None:
    """Every worker killed at once, again and again, the gateway and Temporal in between."""
    chance, folder = random.Random(seed), tmp_path / "suppliers"
    folder.mkdir()
    suppliers = write_suppliers(folder)
    system.start_gateway()
    await start(system, folder, *WORKERS)
    async with AsyncWorkerClient(f"127.0.0.1:{system.port}", service="agent") as client:
        task = await client.start(
            "execute_code",
            {"code": PROGRAM, "inputs": {"suppliers": suppliers}, "tenant_id": TENANT},
        )
        for blow in range(6):
            await goes_on(system, task)
            await asyncio.sleep(chance.uniform(0, 1))
            await strike(system, folder, blow, chance)
        result = await task.result(timeout=700)

    expected = [["completed", PRODUCTS]] * HARVESTS + [["completed", 0]]
    assert (None, expected) == (result["error"], result["result"])
    assert suppliers == result["stdout"].split()
    assert 2 * HARVESTS + 3 == result["calls_made"]
    started = Counter(f"harvest-{TENANT}-{code}" for code in [*suppliers, suppliers[0]])
    runs = await ended(system, started.total())
    assert {WorkflowExecutionStatus.COMPLETED} == {run.status for run in runs}
    assert started == Counter(unquote(run.id) for run in runs)
    async with open_brain(system.brain_url) as brain:
        assert HARVESTS * PRODUCTS == sum((await brain.count_products(TENANT)).values())
