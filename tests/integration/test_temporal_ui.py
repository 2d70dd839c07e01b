"""What operators see of runs in Temporal, and find by the queries of the docs."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from running_system import ROOT
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from contextcore import ContextUnit, worker_pb2_grpc
from contextworker.core.client import AsyncWorkerClient
from contextworker.core.testing import running, temporal_server
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.harvest.module import module

PAGE = (ROOT / "docs/operations/temporal-ui.md").read_text(encoding="utf-8")
[FAILED_TODAY] = re.findall(r"```sql\n(.+?)\n```", PAGE)
OTHERS = dict(re.findall(r"^\| ([a-z][^|`*]+) \| `([^|`]+)` \|$", PAGE, re.MULTILINE))
TIME = re.compile(r"'\d{4}-\d\d-\d\dT[\d:]+Z'")
CAMPING, ALPINE = "harvest-acme-camping-trade", "harvest-acme-alpine-outlet"
HOUR = timedelta(hours=1)

FOUND = {
    "what was done for one supplier": {CAMPING, "harvest-acme-nightly"},
    "what runs of a module": set(),
    "what has been running for long": set(),
    "harvests that took long": set(),
    "what did not end by itself": {"flown"},
    "runs whose workflow code fails again and again": set(),
    "the runs of a schedule": {"harvest-acme-nightly"},
    "the harvests that a harvest of all suppliers began": {ALPINE},
    "what nobody's gateway started": {"flown"},
}
"""By what there is to find: ids, those of scheduled runs without their times."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A Temporal with harvests of two tenants, of which some failed, and a run of nobody's."""
    folder = tmp_path_factory.mktemp("ui")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAIN_URL", f"sqlite:///{folder / 'brain.db'}")
        patch.setenv("CONTEXTWORKER_STORE_URL", (folder / "objects").as_uri())
        patch.setenv("CONTEXTWORKER_SUPPLIERS_DIR", str(_suppliers(folder)))
        settings = GatewaySettings(
            port=0, versioning=False, gateway_shutdown_grace_s=1, gateway_temporal_timeout_s=30
        )
        async with temporal_server() as server:
            temporal = await server.connect("contextworker.harvest.messages")
            async with running(temporal, module), gateway(temporal, settings) as port:
                await _harvest(f"127.0.0.1:{port}")
                flown = await temporal.start_workflow("fly", id="flown", task_queue="sky")
                await flown.terminate()
                yield temporal


def _suppliers(folder: Path) -> Path:
    """One supplier that is as it should be; of the other the feed is missing."""
    suppliers = folder / "suppliers"
    suppliers.mkdir()
    feed = ROOT / "examples/feeds/alpine-outlet.jsonl"
    text = (ROOT / "examples/suppliers/alpine-outlet.toml").read_text(encoding="utf-8")
    text = text.replace("../feeds/alpine-outlet.jsonl", str(feed))
    (suppliers / "alpine-outlet.toml").write_text(text, encoding="utf-8")
    return suppliers


async def _harvest(address: str) -> None:
    async with AsyncWorkerClient(address, service="tests") as caller:
        starts = [
            ("acme", "camping-trade"),
            ("acme", "all"),
            ("globex", "camping-trade"),
            ("globex", "alpine-outlet"),
        ]
        tasks = [
            await caller.start("harvest", supplier_code=code, tenant_id=tenant)
            for tenant, code in starts
        ]
        for task in tasks:
            async for _ in task.watch():
                pass
    nightly = {
        "schedule_id": "nightly",
        "workflow_type": "harvest",
        "cron": "0 4 1 1 *",
        "payload": {"supplier_code": "camping-trade"},
    }
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = worker_pb2_grpc.WorkerServiceStub(channel)
        await stub.RegisterSchedules(_unit(schedules=[nightly]), timeout=60)
        await stub.TriggerSchedule(_unit(schedule_id="nightly"), timeout=60)


def _unit(**payload: Any) -> Any:
    unit = ContextUnit(payload={"tenant_id": "acme", **payload}, provenance=["tests:operator"])
    return unit.to_protobuf()


async def found(client: Client, query: str, expected: set[str]) -> set[str]:
    """Return what a query finds, as soon as it is what is expected: visibility is a moment late."""
    since = f"'{(datetime.now(UTC) - HOUR).isoformat(timespec='seconds')}'"
    deadline = asyncio.get_running_loop().time() + 120
    while True:
        runs = client.list_workflows(TIME.sub(since, query))
        ids = {re.sub(r"-\d{4}-\d\d-\d\dT.*", "", run.id) async for run in runs}
        if ids == expected or asyncio.get_running_loop().time() > deadline:
            return ids
        await asyncio.sleep(0.05)


async def test_harvests_of_a_tenant_that_failed_today(client: Client) -> None:
    """One query, as the page gives it; not those that went well, nor another tenant's."""
    expected = {CAMPING, "harvest-acme-nightly"}

    assert expected == await found(client, FAILED_TODAY, expected)


@pytest.mark.parametrize("what", FOUND)
async def test_the_other_queries(client: Client, what: str) -> None:
    """Each finds what the page says, with the names that runs have here."""
    assert FOUND[what] == await found(client, OTHERS[what], FOUND[what])


def test_every_query_of_the_page_is_run() -> None:
    """A new one needs a line in the table above."""
    assert FOUND.keys() == OTHERS.keys()


async def test_what_a_run_says_of_itself(client: Client) -> None:
    """A summary, who asked for it, and what it counted."""
    handle = client.get_workflow_handle("harvest-globex-alpine-outlet")
    described = await handle.describe()
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    details = await described.static_details()

    assert "Harvest alpine-outlet for globex" == await described.static_summary()
    assert details is not None
    assert "Asked for by `tests:start_workflow`" in details
    assert metadata.current_details.startswith("**done**: 24 of 24 rows\n\n- feeds: 1\n")
    assert "- inserted: 23" in metadata.current_details


async def test_a_child_is_found_by_its_own_supplier(client: Client) -> None:
    """The harvest of all is not `all`'s child's: it has a tenant, a module and a supplier."""
    described = await client.get_workflow_handle(ALPINE).describe()

    marks = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    assert {
        "Module": "harvest",
        "SupplierCode": "alpine-outlet",
        "TenantId": "acme",
    } == {name: marks[name] for name in ("Module", "SupplierCode", "TenantId")}
    assert "Harvest alpine-outlet for acme" == await described.static_summary()
