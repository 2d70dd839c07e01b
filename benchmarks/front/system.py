"""The sides: Temporal's own client, and a client of a gateway or of a bare hop, at one server.

The gateway is a process of its own, with authentication, as it is run. Its route is announced
without a worker: no worker takes CPU from either side, and every run waits.
"""

from __future__ import annotations  # the stub for asyncio is one for type checkers only

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import jwt
import psutil
from cryptography.hazmat.primitives.asymmetric import ed25519
from jwt.algorithms import OKPAlgorithm
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.workflowservice.v1 import (
    CreateWorkerDeploymentRequest,
    CreateWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateWorkerDeploymentVersionMetadataRequest,
)
from temporalio.client import Client

from contextcore import ContextUnit, worker_pb2, worker_pb2_grpc
from contextworker.core.announcement import METADATA_KEY, AnnouncedRoute, Announcement
from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.testing import TemporalServer, temporal_server
from contextworker.core.testing.server import free_port
from front.feed import TENANT, WORKFLOW_TYPE, FeedPayload, unit

MODULE, QUEUE = "front", "front-tasks"
ISSUER, AUDIENCE = "https://login.example/", "contextworker"
READY_S = 30


@dataclass(frozen=True)
class Raw:
    """A service that starts runs with temporalio itself, and the same payload."""

    client: Client

    async def start(self, sent: ContextUnit) -> str:
        """Start a run, and return its id."""
        handle = await self.client.start_workflow(
            WORKFLOW_TYPE, sent, id=f"raw-{sent.unit_id}", task_queue=QUEUE
        )
        return handle.id

    def cpu_s(self) -> float:
        """Return 0: nothing stands between."""
        return 0.0

    async def status(self, workflow_id: str) -> object:
        """Ask how a run stands."""
        return (await self.client.get_workflow_handle(workflow_id).describe()).status


@dataclass(frozen=True)
class Fronted:
    """A service that sends units to a process, as a service author would."""

    stub: worker_pb2_grpc.WorkerServiceAsyncStub
    process: psutil.Process
    metadata: tuple[tuple[str, str], ...] = ()

    async def start(self, sent: ContextUnit) -> str:
        """Start a run, and return its id."""
        return str((await self.ask("StartWorkflow", sent))["workflow_id"])

    async def status(self, workflow_id: str) -> object:
        """Ask how a run stands."""
        question = ContextUnit(payload={"workflow_id": workflow_id})
        return (await self.ask("GetTaskStatus", question))["status"]

    async def ask(self, rpc: str, sent: ContextUnit) -> dict[str, Any]:
        """Make one call."""
        reply = await getattr(self.stub, rpc)(
            sent.to_protobuf(worker_pb2), timeout=60, metadata=self.metadata
        )
        return ContextUnit.from_protobuf(reply).payload

    def cpu_s(self) -> float:
        """Return what the process has used so far."""
        return float(sum(self.process.cpu_times()[:2]))

    def memory_mb(self) -> float:
        """Return the process's resident set."""
        return float(self.process.memory_info().rss / 1e6)


@dataclass(frozen=True)
class System:
    """The sides that take turns."""

    raw: Raw
    hop: Fronted
    fronted: Fronted


@asynccontextmanager
async def system(folder: Path) -> AsyncIterator[System]:
    """Run a server, a gateway and a bare hop before it while the block runs."""
    async with temporal_server() as server:
        client = await Client.connect(server.address, data_converter=DATA_CONVERTER)
        await _announce(client)
        bearer = (("authorization", f"Bearer {_token(folder)}"),)
        gateway, hop = ["-m", "contextworker.gateway"], [str(Path(__file__).with_name("hop.py"))]
        async with (
            _fronted(gateway, server, folder, bearer) as fronted,
            _fronted(hop, server, folder) as bare,
        ):
            yield System(Raw(client), bare, fronted)


@asynccontextmanager
async def gateways(
    folder: Path, settings: Mapping[str, Mapping[str, str]]
) -> AsyncIterator[dict[str, Fronted]]:
    """Run a server and, before it, a gateway for each of some settings, by its name."""
    async with temporal_server() as server, AsyncExitStack() as stack:
        client = await Client.connect(server.address, data_converter=DATA_CONVERTER)
        await _announce(client)
        bearer = (("authorization", f"Bearer {_token(folder)}"),)
        program = ["-m", "contextworker.gateway"]
        yield {
            name: await stack.enter_async_context(
                _fronted(program, server, folder, bearer, variables)
            )
            for name, variables in settings.items()
        }


@asynccontextmanager
async def _fronted(
    program: list[str],
    server: TemporalServer,
    folder: Path,
    metadata: tuple[tuple[str, str], ...] = (),
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[Fronted]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, env=_environment(server, port, folder) | dict(variables or {})
    )
    try:
        # As generated clients are made: nothing is tuned for the benchmark.
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await asyncio.wait_for(channel.channel_ready(), READY_S)
            stub = worker_pb2_grpc.WorkerServiceStub(channel)
            fronted = Fronted(stub, psutil.Process(process.pid), metadata)
            await fronted.start(unit())
            yield fronted
    finally:
        process.kill()
        await process.wait()


def _environment(server: TemporalServer, port: int, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        **server.environment,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "WORKER_PORT": str(port),
        "CONTEXTWORKER_LOG_LEVEL": "WARNING",
        "CONTEXTWORKER_GATEWAY_AUTH_JWKS": str(folder / "jwks.json"),
        "CONTEXTWORKER_GATEWAY_AUTH_ISSUER": ISSUER,
        "CONTEXTWORKER_GATEWAY_AUTH_AUDIENCE": AUDIENCE,
    }


def _token(folder: Path) -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    jwk = {**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "one", "use": "sig"}
    (folder / "jwks.json").write_text(json.dumps({"keys": [jwk]}))
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "commerce",
        "iat": now,
        "exp": now + 24 * 3600,
        "tenants": [TENANT],
        "permissions": ["worker:execute", "worker:read"],
    }
    return jwt.encode(claims, key, "EdDSA", {"kid": "one"})


async def _announce(client: Client) -> None:
    """Do what a worker would: make a deployment's version, tell the route, make it current."""
    service, namespace = client.workflow_service, client.namespace
    version = WorkerDeploymentVersion(deployment_name=MODULE, build_id="1")
    route = AnnouncedRoute(
        workflow_type=WORKFLOW_TYPE,
        description="Measured.",
        payload_schema=FeedPayload.model_json_schema(),
    )
    announcement = Announcement(module=MODULE, task_queue=QUEUE, routes=(route,))
    await service.create_worker_deployment(
        CreateWorkerDeploymentRequest(
            namespace=namespace, deployment_name=MODULE, request_id=str(uuid.uuid4())
        )
    )
    await service.create_worker_deployment_version(
        CreateWorkerDeploymentVersionRequest(
            namespace=namespace, deployment_version=version, request_id=str(uuid.uuid4())
        )
    )
    await service.update_worker_deployment_version_metadata(
        UpdateWorkerDeploymentVersionMetadataRequest(
            namespace=namespace,
            deployment_version=version,
            upsert_entries={METADATA_KEY: announcement.to_payload()},
        )
    )
    await service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=namespace,
            deployment_name=MODULE,
            build_id="1",
            allow_no_pollers=True,
            ignore_missing_task_queues=True,
        )
    )
