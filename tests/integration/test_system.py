"""Callers, gateway, modules, Temporal and PostgreSQL together, each in its own process."""

import csv

import grpc
import pytest
from running_system import ROOT, System

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc
from contextworker.brain import EnrichmentStatus, open_brain

TENANT = "my_project"


async def test_products_flow_from_feed_to_enrichment(system: System) -> None:
    """A caller's lines harvest a feed, the gardener enriches it, PostgreSQL holds the result."""
    system.start_gateway()
    system.start("harvest", "harvest-worker", says="polls harvest-tasks")
    system.start("gardener", "gardener-worker", says="polls gardener-tasks")
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


def test_a_module_the_gateway_has_never_seen_is_served(system: System) -> None:
    """The gateway is up first; a worker that comes later adds its routes by announcing them."""
    system.start_gateway()
    with pytest.raises(grpc.RpcError) as unknown:
        system.call("StartWorkflow", workflow_type="harvest", supplier_code="camping-trade")
    assert grpc.StatusCode.NOT_FOUND == unknown.value.code()

    system.start("harvest", "harvest-worker", says="polls harvest-tasks")
    started = system.call("StartWorkflow", workflow_type="harvest", supplier_code="camping-trade")

    assert "started" == started.payload["status"]
    assert "completed" == system.finish(str(started.payload["workflow_id"]))["status"]


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


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        ({"workflow_type": "harvets"}, grpc.StatusCode.NOT_FOUND, "gardener, harvest"),
        ({"workflow_type": "harvest"}, grpc.StatusCode.INVALID_ARGUMENT, "supplier_code"),
    ],
)
def test_a_wrong_request_is_answered_in_words(
    system: System, payload: dict[str, str], code: grpc.StatusCode, words: str
) -> None:
    """The status is exact and the message names what is known or wrong."""
    system.start_gateway()
    system.start(
        "workers", "python", "-m", "contextworker", "--temporal", says="polls harvest-tasks"
    )

    with pytest.raises(grpc.RpcError) as refused:
        system.call("StartWorkflow", **payload)

    assert code == refused.value.code()
    assert words in str(refused.value.details())


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["gateway"], "gateway listening on"),
        (["harvest-worker"], "polls harvest-tasks"),
        (["gardener-worker"], "polls gardener-tasks"),
        (["python", "-m", "contextworker"], "gateway listening on"),
        (["python", "-m", "contextworker", "--temporal"], "polls harvest-tasks"),
        (
            ["python", "-m", "contextworker", "--temporal", "--modules", "harvest", "gardener"],
            "polls gardener-tasks",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_executable_ends_well_when_it_is_told_to(
    system: System, command: list[str], says: str
) -> None:
    """SIGTERM is how every supervisor stops a service: exit code 0, no traceback."""
    system.start("it", *command, says=says)

    assert 0 == system.stop("it")

    assert "Traceback" not in (system.folder / "it.log").read_text()
