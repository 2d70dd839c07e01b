"""That what scales, alerts and draws asks for what the processes and Temporal really say."""

import asyncio
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from manifests import DEPLOY, environment, load, only, rendered, services
from running_system import PATIENCE_S
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from contextcore import ContextUnit
from contextworker.core.testing import TemporalServer, temporal_server
from contextworker.core.testing.server import free_port

OBSERVABILITY = DEPLOY / "observability"


def test_prometheus_finds_what_compose_runs() -> None:
    """Each name it looks up is a service, or the name that all workers share."""
    compose = services()
    aliases = {
        alias
        for name, service in compose.items()
        if name.endswith("-worker")
        for alias in service["networks"]["default"]["aliases"]
    }
    jobs = load(OBSERVABILITY / "prometheus" / "prometheus.yaml")["scrape_configs"]
    named = {name for job in jobs for sd in job.get("dns_sd_configs", []) for name in sd["names"]}

    assert {"workers"} == aliases
    assert named <= {*compose, *aliases}


@pytest.mark.slow
async def test_the_scaler_sees_work_that_waits_for_a_worker_scaled_to_zero(tmp_path: Path) -> None:
    """Asked as KEDA asks, by what the ScaledObject says, Temporal knows backlog and runs."""
    documents = [*rendered("gardener"), *rendered("common")]
    trigger = only(documents, "ScaledObject")["spec"]["triggers"][0]["metadata"]
    variables = environment(documents, only(documents, "Deployment"))
    version = f"{trigger['workerDeploymentName']}:{trigger['workerDeploymentBuildId']}"
    unit = ContextUnit(payload={"workflow_type": "gardener", "tenant_id": "t"})
    async with temporal_server() as server:
        client = await server.connect()
        own = {k: v for k, v in variables.items() if v and k.startswith("TEMPORAL_")}
        worker = start("gardener", tmp_path, {**own, **server.environment})
        try:
            async with asyncio.timeout(PATIENCE_S):
                while await backlog(client, trigger) is None:
                    await asyncio.sleep(0.1)
                await client.execute_workflow(
                    "gardener", unit, id="done", task_queue=trigger["taskQueue"]
                )
                runs = f"TemporalWorkerDeploymentVersion = '{version}'"
                while (await client.count_workflows(runs)).count != 1:
                    await asyncio.sleep(0.1)
        finally:
            worker.terminate()
            await asyncio.to_thread(worker.wait, PATIENCE_S)
        for number in range(3):
            await client.start_workflow(
                "gardener", unit, id=f"waiting-{number}", task_queue=trigger["taskQueue"]
            )

        async with asyncio.timeout(PATIENCE_S):
            while await backlog(client, trigger) != 3:
                await asyncio.sleep(0.1)


async def test_an_outage_of_temporal_is_what_the_alert_looks_for(tmp_path: Path) -> None:
    """A gateway whose Temporal is gone counts failures with a status that the alert selects."""
    groups = load(OBSERVABILITY / "prometheus" / "rules.yaml")["groups"]
    (expression,) = (
        rule["expr"]
        for group in groups
        for rule in group["rules"]
        if rule.get("alert") == "GatewayCannotReachTemporal"
    )
    selected = re.search(r'status_code=~?"([^"]+)"', expression)
    assert selected
    metrics = f"127.0.0.1:{free_port()}"
    server = TemporalServer()
    server.start()
    gateway = start(
        "gateway",
        tmp_path,
        {
            **server.environment,
            "CONTEXTWORKER_METRICS_ADDRESS": metrics,
            "WORKER_PORT": str(free_port()),
        },
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while "temporal_request_total" not in await served(metrics):
                await asyncio.sleep(0.1)
            server.kill()
            failures = rf'temporal_request_failure_total\{{.*status_code="({selected[1]})"\}} '
            while not re.search(failures, await served(metrics)):
                await asyncio.sleep(0.1)
    finally:
        server.kill()
        gateway.terminate()
        await asyncio.to_thread(gateway.wait, PATIENCE_S)


async def served(address: str) -> str:
    """Read a process's metrics; empty until it serves them."""

    def get() -> str:
        try:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as reply:
                return str(reply.read().decode())
        except OSError:
            return ""

    return await asyncio.to_thread(get)


def start(member: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a member's process with its state in a folder."""
    state = {
        "BRAIN_URL": f"sqlite:///{folder / 'brain.db'}",
        "CONTEXTWORKER_STORE_URL": folder.as_uri(),
    }
    return subprocess.Popen(
        [sys.executable, "-m", f"contextworker.{member}"],
        env={**os.environ, **state, **environment},
        stderr=subprocess.DEVNULL,
    )


async def backlog(client: Client, trigger: dict[str, str]) -> int | None:
    """Count as the scaler does; None until the version is known and current."""
    version = WorkerDeploymentVersion(
        deployment_name=trigger["workerDeploymentName"],
        build_id=trigger["workerDeploymentBuildId"],
    )
    try:
        found = await client.workflow_service.describe_worker_deployment_version(
            DescribeWorkerDeploymentVersionRequest(
                namespace=client.namespace, deployment_version=version, report_task_queue_stats=True
            )
        )
    except RPCError:
        return None
    if not found.worker_deployment_version_info.HasField("current_since_time"):
        return None
    types = [
        TaskQueueType.Value(f"TASK_QUEUE_TYPE_{t.upper()}")
        for t in trigger["queueTypes"].split(",")
    ]
    return sum(
        queue.stats.approximate_backlog_count
        for queue in found.version_task_queues
        if queue.name == trigger["taskQueue"] and queue.type in types
    )
