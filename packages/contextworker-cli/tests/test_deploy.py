"""`contextworker deploy` against a real Temporal, with versions that have no workers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.workflowservice.v1 import (
    CreateWorkerDeploymentRequest,
    CreateWorkerDeploymentVersionRequest,
    ListWorkerDeploymentsRequest,
    UpdateWorkerDeploymentVersionMetadataRequest,
)
from temporalio.client import Client

from contextworker.cli.deployments import finding
from contextworker.core.announcement import METADATA_KEY, AnnouncedRoute, Announcement
from contextworker.core.testing import TemporalServer

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[TemporalServer]:
    """A Temporal server with the module `tea`, in a deployment of another name, and a stranger."""
    server = TemporalServer()
    server.start()
    asyncio.run(_fill(server))
    yield server
    server.kill()


async def _fill(server: TemporalServer) -> None:
    client = await server.connect()
    service, namespace = client.workflow_service, client.namespace
    routes = (AnnouncedRoute(workflow_type="brew"),)
    tea = Announcement(module="tea", task_queue="tea-tasks", routes=routes).to_payload()
    for name, announcement in (("kitchen/tea", tea), ("stranger", None)):
        await service.create_worker_deployment(
            CreateWorkerDeploymentRequest(
                namespace=namespace, deployment_name=name, request_id=name
            )
        )
        for build_id in ("1", "2", "3"):
            await _add(service, namespace, name, build_id, announcement)
    await _until_listed(service, namespace, {"kitchen/tea": "3", "stranger": "3"})


async def _add(
    service: Any, namespace: str, name: str, build_id: str, announcement: Payload | None
) -> None:
    version = WorkerDeploymentVersion(deployment_name=name, build_id=build_id)
    await service.create_worker_deployment_version(
        CreateWorkerDeploymentVersionRequest(
            namespace=namespace, deployment_version=version, request_id=f"{name}{build_id}"
        )
    )
    if announcement is not None:
        await service.update_worker_deployment_version_metadata(
            UpdateWorkerDeploymentVersionMetadataRequest(
                namespace=namespace,
                deployment_version=version,
                upsert_entries={METADATA_KEY: announcement},
            )
        )


async def _until_listed(service: Any, namespace: str, newest: dict[str, str]) -> None:
    """Wait for Temporal's list, which is late, to have each deployment's newest version."""
    request = ListWorkerDeploymentsRequest(namespace=namespace)
    async with asyncio.timeout(60):
        while True:
            page = await service.list_worker_deployments(request)
            if newest == {
                each.name: each.latest_version_summary.deployment_version.build_id
                for each in page.worker_deployments
            }:
                return
            await asyncio.sleep(0.02)


@pytest.fixture
def deploy(call: Call, server: TemporalServer, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `contextworker deploy` against that server."""

    def run(*arguments: str) -> Any:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        return call("deploy", *arguments)

    return run


def test_a_module_is_known_by_its_own_name(deploy: Call) -> None:
    """Whatever its deployment is called; what announced no module is nobody's."""
    listed = json.loads(deploy("status", "--json").out)
    by_name = json.loads(deploy("status", "tea", "--json").out)
    shown = deploy("status").out

    assert [("tea", "kitchen/tea")] == [(each["module"], each["name"]) for each in listed]
    assert listed == by_name
    assert "tea in the deployment kitchen/tea, no version is current: new runs wait" in shown


def test_a_deployment_that_temporal_leaves_out_is_looked_for_again(
    deploy: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it changes, it is not in Temporal's list."""
    really, looks = finding._list, 0

    async def left_out(client: Client) -> AsyncIterator[Any]:
        nonlocal looks
        looks += 1
        if looks > 2:
            async for each in really(client):
                yield each

    monkeypatch.setattr(finding, "_list", left_out)
    listed = json.loads(deploy("status", "--json").out)
    looks = 0
    by_name = json.loads(deploy("status", "tea", "--json").out)

    assert ["tea"] == [each["module"] for each in listed]
    assert listed == by_name


def test_a_promotion_without_a_worker_is_refused_or_forced(deploy: Call) -> None:
    """The refusal says how to do it all the same; that shows before and after."""
    refused = deploy("promote", "tea", "1")
    forced = deploy("promote", "tea", "1", "--force")
    ramped = json.loads(deploy("ramp", "tea", "--percentage", "12.5", "--force", "--json").out)
    ended = json.loads(deploy("rollback", "tea", "--json").out)

    assert 1 == refused.code
    assert "tea 1 has no live worker" in refused.err
    assert "add --force" in refused.err
    assert "none → 1" in forced.out
    assert "tea 1 has no live worker: runs that start on it wait for one." in forced.out
    assert {"current": "1", "ramping": "3", "percentage": 12.5} == ramped["after"]
    assert (ramped["after"], ramped["before"]) == (ended["before"], ended["after"])


def test_a_ramp_outlasts_the_promotion_of_another_version(deploy: Call) -> None:
    """Temporal leaves it; what is said of it is how it stands."""
    deploy("promote", "tea", "1", "--force")
    deploy("ramp", "tea", "2", "--percentage", "10", "--force")
    promoted = json.loads(deploy("promote", "tea", "3", "--force", "--json").out)
    [stands] = json.loads(deploy("status", "tea", "--json").out)
    deploy("rollback", "tea")

    assert {"current": "3", "ramping": "2", "percentage": 10} == promoted["after"]
    assert promoted["after"] == stands["routing"]
    assert "2 goes on getting 10 % of new runs." in promoted["notes"]


def test_a_rollback_without_a_worker_is_refused_or_forced(deploy: Call) -> None:
    """As a promotion is, and by the same word."""
    deploy("promote", "tea", "1", "--force")
    deploy("promote", "tea", "2", "--force")
    refused = deploy("rollback", "tea")
    forced = json.loads(deploy("rollback", "tea", "--force", "--json").out)

    assert 1 == refused.code
    assert "tea 1 has no live worker" in refused.err
    assert "add --force" in refused.err
    assert ("2", "1") == (forced["before"]["current"], forced["after"]["current"])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["status", "coffee"], 1, "There is no module 'coffee'"),
        (["promote", "coffee"], 1, "known: tea"),
        (["promote", "stranger"], 1, "stranger 3 has announced no routes"),
        (["promote", "tea", "9"], 1, "tea has no version '9'; known: 3, 2, 1"),
        (["promote"], 2, "MODULE requires an argument"),
        (["ramp", "tea"], 2, "--percentage requires an argument"),
        (["ramp", "tea", "--percentage", "101"], 2, "Must be <= 100"),
        (["ramp", "tea", "--percentage", "ten"], 2, "ten"),
        (["rollback"], 2, "MODULE requires an argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_call_is_a_sentence(
    deploy: Call, arguments: list[str], code: int, says: str
) -> None:
    """It names what was asked for and what there is."""
    called = deploy(*arguments)

    assert code == called.code
    assert says in " ".join(called.err.replace("│", " ").split())


def test_an_unknown_namespace_is_named(
    deploy: Call, call: Call, server: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not taken for an empty one."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")

    assert "has no namespace 'nowhere'" in call("deploy", "status", "tea").err


def test_without_temporal_the_way_out_is_said(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """One attempt, then a sentence."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")

    called = call("deploy", "status")

    assert 1 == called.code
    assert "No Temporal answers at 127.0.0.1:1." in called.err
    assert "contextworker up" in called.err
