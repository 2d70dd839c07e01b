"""Callers, gateway, modules, Temporal and PostgreSQL together, each in its own process."""

import csv
import json

import grpc
import pytest
from running_system import PATIENCE_S, ROOT, System

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc
from contextworker.brain import EnrichmentStatus, open_brain
from contextworker.core.client import WorkerClient

TENANT = "my_project"
_WAITS = (
    (ROOT / "packages/sandbox/README.md")
    .read_text(encoding="utf-8")
    .partition("## A program that waits\n")[2]
)
PROGRAM = _WAITS.partition("```python")[2].partition("\n")[2].partition("```")[0]
PRINTS = _WAITS.partition("```console\n")[2].partition("\n")[2].partition("```")[0]


async def test_products_flow_from_feed_to_enrichment(system: System) -> None:
    """A caller's lines harvest a feed, the gardener enriches it, PostgreSQL holds the result.

    The gateway is up first, and serves a module that it has never seen as soon as its worker runs.
    Last, the program of the sandbox's README harvests for another tenant, and prints what it says.
    """
    system.start_gateway()
    with pytest.raises(grpc.RpcError) as unknown:
        system.call("StartWorkflow", workflow_type="harvest", supplier_code="camping-trade")
    assert grpc.StatusCode.NOT_FOUND == unknown.value.code()
    system.start("harvest", "harvest-worker", says="polls harvest-tasks")
    unit = ContextUnit(
        payload={
            "workflow_type": "harvest",
            "supplier_code": "camping-trade",
            "tenant_id": TENANT,
        },
        provenance=["commerce:trigger"],
    )
    with grpc.insecure_channel(f"127.0.0.1:{system.port}") as channel:
        stub = worker_pb2_grpc.WorkerServiceStub(channel)
        response = stub.StartWorkflow(unit.to_protobuf(worker_pb2))
    workflow_id = response.payload["workflow_id"]
    system.start("gardener", "gardener-worker", says="polls gardener-tasks")
    system.start("sandbox", "sandbox-worker", says="polls sandbox-tasks")

    harvested = system.finish(str(workflow_id))
    gardened = system.finish(
        system.call("StartWorkflow", workflow_type="gardener", tenant_id=TENANT).payload[
            "workflow_id"
        ]
    )

    with (ROOT / "examples/feeds/camping-trade.csv").open(encoding="utf-8-sig") as feed:
        rows = sum(1 for _ in csv.DictReader(feed))
    assert ("completed", "completed") == (harvested["status"], gardened["status"])
    report = harvested["result"]
    assert isinstance(report, dict)
    assert rows == sum(report[key] for key in ("inserted", "rejected", "duplicates"))
    async with open_brain(system.brain_url) as brain:
        assert {report["inserted"]} == {sum((await brain.count_products(TENANT)).values())}
        assert 0 == (await brain.count_products(TENANT))[EnrichmentStatus.PENDING]
        assert {} == {
            status: number
            for status, number in (await brain.count_products("another")).items()
            if number
        }
    with WorkerClient(f"127.0.0.1:{system.port}", service="agent") as client:
        given = {"suppliers": ["camping-trade", "alpine-outlet"]}
        ran = client.execute(PROGRAM, inputs=given, tenant_id="acme", timeout=PATIENCE_S)
    assert ran.error is None
    assert f"{ran.stdout}{json.dumps(ran.result, indent=2)}\n" == PRINTS
    called = ["start_workflow", "start_workflow", "wait_for", "products"]
    assert called == [call.name for call in ran.calls]
    assert {"completed"} == {call.status for call in ran.calls}
    system.stop_well("gateway", "harvest", "gardener", "sandbox")


def test_work_for_a_stopped_module_waits_for_it(system: System) -> None:
    """Without a worker the run is queued and says why; with one it completes."""
    system.start_gateway()
    system.start("harvest", "harvest-worker", says="polls harvest-tasks")
    system.call("StartWorkflow", workflow_type="harvest", supplier_code="camping-trade")
    system.kill("harvest")

    started = system.call("StartWorkflow", workflow_type="harvest", supplier_code="alpine-outlet")
    workflow_id = str(started.payload["workflow_id"])
    queued = system.until(workflow_id, "queued")
    system.start("harvest", "harvest-worker", says="polls harvest-tasks")

    assert "harvest-tasks" in str(queued["reason"])
    assert "completed" == system.finish(workflow_id)["status"]


def test_one_process_runs_every_module_it_is_told_to(system: System) -> None:
    """`python -m contextworker --temporal --modules …` serves the queues of both."""
    system.start_gateway()
    system.start(
        "workers",
        "python",
        "-m",
        "contextworker",
        "--temporal",
        "--modules",
        "harvest",
        "gardener",
        says="polls gardener-tasks",
    )

    harvest = system.call("StartWorkflow", workflow_type="harvest", supplier_code="all")
    assert "completed" == system.finish(str(harvest.payload["workflow_id"]))["status"]
    gardener = system.call("StartWorkflow", workflow_type="gardener")
    assert "completed" == system.finish(str(gardener.payload["workflow_id"]))["status"]
    system.stop_well("workers")


def test_a_wrong_request_is_answered_in_words(system: System) -> None:
    """The status is exact and the message names what is known or wrong.

    The gateway here is that of `python -m contextworker`; without names, `--temporal` runs every
    module.
    """
    system.start("gateway", "python", "-m", "contextworker", says="gateway listening on")
    system.start(
        "workers", "python", "-m", "contextworker", "--temporal", says="polls harvest-tasks"
    )

    with pytest.raises(grpc.RpcError) as incomplete:
        system.call("StartWorkflow", workflow_type="harvest")
    # A start waits for a route that is about to be announced; of these two, each might have been.
    system.call("StartWorkflow", workflow_type="gardener")
    with pytest.raises(grpc.RpcError) as unknown:
        system.call("StartWorkflow", workflow_type="harvets")

    assert grpc.StatusCode.NOT_FOUND == unknown.value.code()
    assert "gardener" in str(unknown.value.details())
    assert "harvest" in str(unknown.value.details()).partition("known:")[2]
    assert grpc.StatusCode.INVALID_ARGUMENT == incomplete.value.code()
    assert "supplier_code" in str(incomplete.value.details())
    system.stop_well("gateway", "workers")
