"""Runs and routes as workers come, go, and contradict each other."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import gateway_strangers
import grpc
import pytest
from gateway_calls import Caller, Refusal, until
from gateway_deployments import deploy, deploy_version, set_current, until_announced
from gateway_strangers import awaited, claimants, mortals, newcomers, operated, sleepers
from temporalio.api.common.v1 import Payload
from temporalio.api.workflowservice.v1 import ListWorkerDeploymentsRequest
from temporalio.client import Client

from contextworker.core.announcement import Announcement
from contextworker.core.settings import Promotion, WorkerSettings
from contextworker.core.testing import TemporalServer, running
from contextworker.gateway.errors import TemporalBusyError
from contextworker.gateway.routing.sources import DeploymentSource
from contextworker.gateway.temporal import Temporal

Modules = dict[str, dict[str, Any]]


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


async def until_listed(client: Client, deployment: str) -> None:
    """Wait until Temporal lists a deployment's current version, some 0.1 s after there is one."""
    request = ListWorkerDeploymentsRequest(namespace=client.namespace, page_size=1000)

    async def listed() -> set[str]:
        page = await client.workflow_service.list_worker_deployments(request, retry=True)
        return {
            it.name
            for it in page.worker_deployments
            if it.routing_config.current_deployment_version.build_id
        }

    await until(listed, lambda names: deployment in names)


async def modules(caller: Caller, wanted: Callable[[Modules], bool]) -> Modules:
    """List the modules by name, once they are as wanted."""

    async def listed() -> Modules | None:
        try:
            found = (await caller.ask("ListModules", {}))["modules"]
        except Refusal as refusal:
            if refusal.reason != "TEMPORAL_BUSY":
                raise
            return None  # Temporal limits how often deployments are read, and there are many
        return {module["name"]: module for module in found}

    answer: Modules = await until(listed, lambda it: it is not None and wanted(it), timeout_s=60)
    return answer


async def test_a_module_never_seen_before_is_found(caller: Caller, temporal_client: Client) -> None:
    """The gateway stood before the module existed; it needs no restart, and is not asked twice."""
    unknown = await caller.refused("StartWorkflow", {"workflow_type": "newcomer"})

    async with running(temporal_client, newcomers):
        await until_listed(temporal_client, "newcomers")
        started = await start(caller, "newcomer")
        status = await caller.status_when(
            started["workflow_id"], lambda it: it["status"] == "completed"
        )

    assert grpc.StatusCode.NOT_FOUND == unknown.code
    assert {"by": "newcomer"} == status["result"]


async def test_a_run_without_a_worker_is_queued(caller: Caller, temporal_client: Client) -> None:
    """It says who is missing; the run starts by itself when a worker comes."""
    await deploy(temporal_client, "sleepers", "dev", Announcement.of(sleepers).to_payload())

    listed = (await modules(caller, lambda it: "sleepers" in it))["sleepers"]
    started = await start(caller, "sleeper")
    queued = await caller.status(started["workflow_id"])
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
        await modules(caller, lambda it: "mortals" in it)
        begun = await start(caller, "mortal")
        handle = temporal_client.get_workflow_handle(begun["workflow_id"])
        # Until its activity is done: it has none before it begins, either.
        await until(
            handle.fetch_history,
            lambda history: any(
                event.HasField("activity_task_completed_event_attributes")
                for event in history.events
            ),
        )
        await caller.status_when(begun["workflow_id"], lambda it: it["status"] == "running")
    late = await start(caller, "mortal")
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
        await modules(caller, lambda it: {"claimant-a", "claimant-b"} <= set(it))
        refusal = await caller.refused("StartWorkflow", {"workflow_type": "contested"})
        await set_current(temporal_client, "claimant-a", "")
        await modules(caller, lambda it: "claimant-a" not in it)
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
        await until_listed(temporal_client, name)
        refusal = await caller.refused("StartWorkflow", {"workflow_type": "nobody"})
        await caller.refused("StartWorkflow", {"workflow_type": "nobody"})

    assert grpc.StatusCode.NOT_FOUND == refusal.code
    [record] = [item for item in caplog.records if f"module {name} 1" in item.getMessage()]
    assert complaint in record.getMessage()


async def test_the_modules_are_listed_with_what_a_caller_needs(caller: Caller, toys: None) -> None:
    """Name, queue, build, live workers, and of each route its type, id template and schema."""
    empty = {"count": 0, "oldest_age_s": 0}

    def is_idle(listed: Modules) -> bool:
        toy = listed.get("toys", {})  # runs of other tests may wait yet
        return toy.get("workers") == 1 and toy["backlog"] == {"workflow": empty, "activity": empty}

    toy = (await modules(caller, is_idle))["toys"]

    route, plain, *_ = toy.pop("routes")
    [version] = toy.pop("versions")
    assert {
        "name": "toys",
        "task_queue": "toys-tasks",
        "build_id": "dev",
        "workers": 1,
        "backlog": {"workflow": empty, "activity": empty},
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
        listed = await modules(caller, lambda it: True)

    assert "unpromoted" not in listed


@pytest.mark.slow
@pytest.mark.timeout(300)  # each change takes seconds where the machine is busy
async def test_a_module_is_there_while_its_version_changes(temporal_client: Client) -> None:
    """Temporal's list leaves a deployment out while it takes up a change; the routes do not."""
    source = DeploymentSource(Temporal(temporal_client, timeout_s=20))
    announcement = Announcement.of(replace(mortals, name="restless")).to_payload()
    await deploy(temporal_client, "restless", "0", announcement)

    async def names() -> set[str] | None:
        try:
            return {module.announcement.module for module in await source.read()}
        except TemporalBusyError:  # it limits how often a deployment is read
            return None

    async def change() -> None:
        for build in range(1, 20):
            await deploy_version(temporal_client, "restless", str(build), announcement)

    await until(names, lambda it: it is not None and "restless" in it)
    changing = asyncio.create_task(change())
    read: list[set[str]] = []
    while not changing.done() or not read:
        if (found := await names()) is not None:
            read.append(found)
        await asyncio.sleep(0.01)
    await changing

    assert [] == [found for found in read if "restless" not in found]


async def test_what_waits_for_a_module_is_counted(caller: Caller, temporal_client: Client) -> None:
    """Approximately, with the age of the oldest; also what waits for a version that is no more."""
    await deploy(temporal_client, "awaited", "1", Announcement.of(awaited).to_payload())
    await until_announced(caller, name="awaited")
    for _ in range(3):
        await start(caller, "awaited")
    await deploy_version(temporal_client, "awaited", "2", Announcement.of(awaited).to_payload())
    await start(caller, "awaited")

    def is_counted(listed: Modules) -> bool:
        module = listed["awaited"]
        newest, *_ = module["versions"]
        return (module["backlog"]["workflow"]["count"], newest["status"]) == (4, "current")

    listed = await modules(caller, is_counted)

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
        await until_announced(caller, name="operated")
        started = await start(caller, "operated")
        await caller.status_when(started["workflow_id"], lambda it: it["status"] == "completed")
        # Who polls a queue is asked now and then only.
        listed = await modules(caller, lambda it: it["operated"]["workers"] == 1)

    assert "0-1-0-c3d4" == listed["operated"]["build_id"]
