"""Runs and routes as workers come, go, and contradict each other."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import gateway_strangers
import grpc
import pytest
from gateway_calls import Caller, until
from gateway_deployments import deploy, deploy_version, set_current
from gateway_strangers import awaited, claimants, mortals, newcomers, operated, sleepers
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from contextworker.core.announcement import Announcement
from contextworker.core.settings import Promotion, WorkerSettings
from contextworker.core.testing import TemporalServer, running
from contextworker.gateway.errors import TemporalBusyError
from contextworker.gateway.routing.sources import DeploymentSource
from contextworker.gateway.temporal import Temporal


@contextmanager
def mortal_worker(temporal: TemporalServer) -> Iterator[subprocess.Popen[bytes]]:
    """Run the mortals' worker in a process of its own, to be killed."""
    folder = Path(gateway_strangers.__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway_strangers"],
        env=os.environ | temporal.environment | {"PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def start(caller: Caller, workflow_type: str) -> dict[str, Any]:
    """Start a run; a module that just announced itself is found without a wait."""
    payload = {"workflow_type": workflow_type, "tenant_id": f"t{uuid.uuid4().hex[:8]}"}
    return await caller.ask("StartWorkflow", payload)


async def modules(caller: Caller) -> dict[str, dict[str, Any]]:
    """List the modules by name."""
    listed = (await caller.ask("ListModules", {}))["modules"]
    return {module["name"]: module for module in listed}


async def test_a_module_never_seen_before_is_found(caller: Caller, temporal_client: Client) -> None:
    """The gateway stood before the module existed; it needs no restart and no wait."""
    unknown = await caller.refused("StartWorkflow", {"workflow_type": "newcomer"})

    async with running(temporal_client, newcomers):
        started = await start(caller, "newcomer")
        status = await caller.status_when(
            started["workflow_id"], lambda it: it["status"] == "completed"
        )

    assert grpc.StatusCode.NOT_FOUND == unknown.code
    assert {"by": "newcomer"} == status["result"]


async def test_a_run_without_a_worker_is_queued(caller: Caller, temporal_client: Client) -> None:
    """It says who is missing; the run starts by itself when a worker comes."""
    await deploy(temporal_client, "sleepers", "dev", Announcement.of(sleepers).to_payload())

    started = await start(caller, "sleeper")
    queued = await caller.status(started["workflow_id"])
    listed = (await modules(caller))["sleepers"]
    async with running(temporal_client, sleepers):
        done = await caller.status_when(
            started["workflow_id"], lambda it: it["status"] == "completed"
        )

    assert "queued" == queued["status"]
    assert "no worker polls sleepers-tasks; the run starts when one does" == queued["reason"]
    assert "progress" not in queued
    assert 0 == listed["workers"]
    assert "reason" not in done


async def test_a_killed_worker_is_missed(
    caller: Caller, temporal: TemporalServer, temporal_client: Client
) -> None:
    """Temporal goes on listing a dead worker; the gateway notices that it takes nothing."""
    with mortal_worker(temporal):
        await until(lambda: modules(caller), lambda it: "mortals" in it)
        begun = await start(caller, "mortal")
        await caller.status_when(
            begun["workflow_id"],
            lambda it: it["status"] == "running" and not it["pending_activities"],
        )
    late = await start(caller, "mortal")
    handle = temporal_client.get_workflow_handle(begun["workflow_id"])
    await handle.signal("go_on")

    starts = await caller.status_when(late["workflow_id"], lambda it: it["status"] == "queued")
    goes_on = await caller.status_when(begun["workflow_id"], lambda it: it["status"] == "queued")

    # Temporal may have handed its first task to the dead worker's poll: it has begun, then.
    history = await temporal_client.get_workflow_handle(late["workflow_id"]).fetch_history()
    began = any(
        event.HasField("workflow_task_started_event_attributes") for event in history.events
    )
    how = "goes on" if began else "starts"
    assert f"no worker polls mortals-tasks; the run {how} when one does" == starts["reason"]
    assert "no worker polls mortals-tasks; the run goes on when one does" == goes_on["reason"]


async def test_two_modules_that_claim_one_type_are_both_named(
    caller: Caller, temporal_client: Client
) -> None:
    """Never a silent pick; once one of them retires, the other serves."""
    async with running(temporal_client, *claimants):
        await until(lambda: modules(caller), lambda it: {"claimant-a", "claimant-b"} <= set(it))
        refusal = await caller.refused("StartWorkflow", {"workflow_type": "contested"})
        await set_current(temporal_client, "claimant-a", "")
        await until(lambda: modules(caller), lambda it: "claimant-a" not in it)
        started = await start(caller, "contested")

    assert grpc.StatusCode.FAILED_PRECONDITION == refusal.code
    assert "ROUTE_CONFLICT" == refusal.reason
    assert {"workflow_type": "contested", "modules": "claimant-a,claimant-b"} == refusal.metadata
    assert "claimant-a and claimant-b" in refusal.message
    assert "claimant-b-tasks" == started["task_queue"]


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("broken", b"[]", "its routes cannot be read"),
        (
            "from-the-future",
            json.dumps({"format": 2, "module": "f", "task_queue": "q", "routes": []}).encode(),
            "upgrade the gateway",
        ),
    ],
)
async def test_an_announcement_that_cannot_be_used_is_left_out(
    caller: Caller,
    temporal_client: Client,
    caplog: pytest.LogCaptureFixture,
    *,
    name: str,
    data: bytes,
    complaint: str,
) -> None:
    """The log says so once; the other modules go on."""
    with caplog.at_level("WARNING"):
        await deploy(temporal_client, name, "1", Payload(data=data))
        refusal = await caller.refused("StartWorkflow", {"workflow_type": "nobody"})
        await caller.refused("StartWorkflow", {"workflow_type": "nobody"})

    assert grpc.StatusCode.NOT_FOUND == refusal.code
    [record] = [item for item in caplog.records if f"module {name} 1" in item.getMessage()]
    assert complaint in record.getMessage()


async def test_the_modules_are_listed_with_what_a_caller_needs(caller: Caller, toys: None) -> None:
    """Name, queue, build, live workers, and of each route its type, id template and schema."""
    toy = (await until(lambda: modules(caller), lambda it: it["toys"]["workers"] == 1))["toys"]

    route, plain, *_ = toy.pop("routes")
    [version] = toy.pop("versions")
    assert {
        "name": "toys",
        "task_queue": "toys-tasks",
        "build_id": "dev",
        "workers": 1,
        "backlog": {
            "workflow": {"count": 0, "oldest_age_s": 0},
            "activity": {"count": 0, "oldest_age_s": 0},
        },
    } == toy
    assert ("dev", "current") == (version["build_id"], version["status"])
    assert datetime.fromisoformat(version["created_at"]) <= datetime.fromisoformat(
        version["current_since"]
    )
    assert ("toy", "Plays", "toy-{tenant_id}-{supplier_code}") == (
        route["workflow_type"],
        route["description"],
        route["workflow_id"],
    )
    assert ["supplier_code"] == route["schema"]["required"]
    assert {
        "workflow_type": "toy_plain",
        "description": "",
        "workflow_id": None,
        "schema": None,
    } == plain


async def test_a_version_that_is_not_current_gets_no_runs(
    caller: Caller, temporal_client: Client
) -> None:
    """A worker that nobody promoted announces its routes, but a run there would wait."""
    waiting = replace(mortals, name="unpromoted")
    settings = WorkerSettings(shutdown_grace_s=1, promotion=Promotion.NEVER)
    async with running(temporal_client, waiting, settings=settings):
        listed = await modules(caller)

    assert "unpromoted" not in listed


async def test_a_module_is_there_while_its_version_changes(temporal_client: Client) -> None:
    """Temporal's list leaves a deployment out while it takes up a change; the routes do not."""
    source = DeploymentSource(Temporal(temporal_client, timeout_s=20))
    announcement = Announcement.of(replace(mortals, name="restless")).to_payload()
    await deploy(temporal_client, "restless", "0", announcement)

    async def names() -> set[str]:
        return {module.announcement.module for module in await source.read()}

    async def change() -> None:
        for build in range(1, 20):
            await deploy_version(temporal_client, "restless", str(build), announcement)

    await until(names, lambda it: "restless" in it)
    changing = asyncio.create_task(change())
    read = []
    while not changing.done():
        with suppress(TemporalBusyError):  # it limits how often a deployment is read
            read.append(await names())
        await asyncio.sleep(0.01)
    await changing

    assert read
    assert [] == [found for found in read if "restless" not in found]


async def test_what_waits_for_a_module_is_counted(caller: Caller, temporal_client: Client) -> None:
    """Approximately, with the age of the oldest; also what waits for a version that is no more."""
    await deploy(temporal_client, "awaited", "1", Announcement.of(awaited).to_payload())
    for _ in range(3):
        await start(caller, "awaited")
    await deploy_version(temporal_client, "awaited", "2", Announcement.of(awaited).to_payload())
    await start(caller, "awaited")

    listed = await until(
        lambda: modules(caller), lambda it: it["awaited"]["backlog"]["workflow"]["count"] == 4
    )

    backlog, versions = (listed["awaited"][name] for name in ("backlog", "versions"))
    assert 0 < backlog["workflow"]["oldest_age_s"] < 120
    assert {"count": 0, "oldest_age_s": 0} == backlog["activity"]
    assert [("2", "current")] == [(it["build_id"], it["status"]) for it in versions[:1]]
    assert ["1"] == [it["build_id"] for it in versions[1:]]


async def test_a_deployment_may_have_a_name_of_its_own(
    caller: Caller, temporal_client: Client
) -> None:
    """An operator names deployments its own way; callers know the module's name only."""
    settings = WorkerSettings(
        shutdown_grace_s=1,
        promotion=Promotion.ALWAYS,
        deployment_name="production/operated",
        build_id="0-1-0-c3d4",
    )
    async with running(temporal_client, operated, settings=settings):
        started = await start(caller, "operated")
        await caller.status_when(started["workflow_id"], lambda it: it["status"] == "completed")
        listed = (await modules(caller))["operated"]

    assert ("0-1-0-c3d4", 1) == (listed["build_id"], listed["workers"])
