"""The process: where it listens, what it says of its health, how it starts and stops."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from gateway_calls import Caller, Refusal, connected, until
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from contextworker.core.connection import connect
from contextworker.core.errors import ConfigurationError
from contextworker.core.testing import TemporalServer
from contextworker.core.testing.server import free_port
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

# Of a process: to start, or to end, where the machine is busy.
WITHIN_S = 60
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(caller: Caller, service: str = "") -> int:
    """Ask the health service."""
    stub: Any = health_pb2_grpc.HealthStub(caller.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
    return int(answer.status)


@contextmanager
def process(**variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run `gateway` in a process of its own."""
    running = subprocess.Popen(
        [sys.executable, "-m", "contextworker.gateway"],
        env=os.environ | variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


async def when_known(caller: Caller) -> Refusal:
    """Ask for a run until Temporal says that there is none: it serves before all its parts do."""
    refusal: Refusal = await until(
        lambda: caller.refused("GetTaskStatus", {"workflow_id": "x"}),
        lambda it: it.code is grpc.StatusCode.NOT_FOUND,
        timeout_s=WITHIN_S,
    )
    return refusal


def port_of(running: subprocess.Popen[str]) -> int:
    """Read the port off the line that tells it."""
    assert running.stderr
    for line in running.stderr:
        if found := re.search(r'gateway listening on 127\.0\.0\.1:(\d+)"', line):
            return int(found[1])
    raise AssertionError("it never said where it listens")


async def test_an_outage_of_temporal_is_told_and_survived(tmp_path: Path) -> None:
    """Up before Temporal is; UNAVAILABLE with advice while it is down; recovers by itself."""
    server = TemporalServer(database=tmp_path / "temporal.db")
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=0,
        gateway_health_interval_s=0.1,
        gateway_temporal_timeout_s=10,
    )
    client = await connect(lazy=True, environment=server.environment)
    async with gateway(client, settings) as port, connected(port) as caller:
        try:
            before = await caller.refused("StartWorkflow", {"workflow_type": "toy"})
            assert NOT_SERVING == await health(caller)

            server.start()
            await until(lambda: health(caller), lambda it: it == SERVING, timeout_s=WITHIN_S)
            await when_known(caller)

            server.kill()
            await until(lambda: health(caller), lambda it: it == NOT_SERVING)
            down = await caller.refused("GetTaskStatus", {"workflow_id": "x"})

            server.start()
            await until(lambda: health(caller), lambda it: it == SERVING, timeout_s=WITHIN_S)
            await when_known(caller)
        finally:
            server.kill()

    for refusal in (before, down):
        assert grpc.StatusCode.UNAVAILABLE == refusal.code
        assert ("TEMPORAL_UNAVAILABLE", 2.0) == (refusal.reason, refusal.retry_after_s)
        assert "Temporal does not answer; nothing was lost, try again in a moment" == (
            refusal.message
        )


async def test_a_server_that_hangs_is_unavailable_and_deadlines_hold() -> None:
    """A Temporal that takes calls and never answers: the caller's own deadline comes first."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        client = await connect(lazy=True, environment={"TEMPORAL_ADDRESS": address})
        settings = GatewaySettings(port=0, gateway_shutdown_grace_s=0, gateway_temporal_timeout_s=1)
        async with gateway(client, settings) as port, connected(port) as caller:
            hurried = await caller.refused("GetTaskStatus", {"workflow_id": "x"}, timeout=0.1)
            patient = await caller.refused("GetTaskStatus", {"workflow_id": "x"})

    assert grpc.StatusCode.DEADLINE_EXCEEDED == hurried.code
    assert grpc.StatusCode.UNAVAILABLE == patient.code


async def test_a_namespace_that_is_not_there_is_named(temporal: TemporalServer) -> None:
    """It is the operator's to mend, so the sentence is for the operator."""
    environment = temporal.environment | {"TEMPORAL_NAMESPACE": "nowhere"}
    client = await connect(lazy=True, environment=environment)
    settings = GatewaySettings(port=0, gateway_temporal_timeout_s=20)
    async with gateway(client, settings) as port, connected(port) as caller:
        refusal = await caller.refused("GetTaskStatus", {"workflow_id": "x"})

    assert grpc.StatusCode.UNAVAILABLE == refusal.code
    assert "Temporal has no namespace 'nowhere'" in refusal.message


async def test_health_is_told_for_the_service_as_well(caller: Caller) -> None:
    """Probes ask for the process, load balancers for the service."""
    for service in ("", "contextworker.WorkerService"):
        await until(partial(health, caller, service), lambda it: it == SERVING)


async def test_reflection_names_the_service(caller: Caller) -> None:
    """A client without the protos can find its way."""
    stub_class: Any = reflection_pb2_grpc.ServerReflectionStub
    stub: Any = stub_class(caller.channel)
    call = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=20
    )

    names = [
        service.name async for answer in call for service in answer.list_services_response.service
    ]

    assert "contextworker.WorkerService" in names


async def test_the_program_serves_until_a_signal(temporal: TemporalServer) -> None:
    """It says where it listens, answers, and ends with 0."""
    with process(**temporal.environment, WORKER_PORT="0") as running:
        async with connected(port_of(running)) as caller:
            refusal = await when_known(caller)
        running.send_signal(signal.SIGTERM)
        code = running.wait(timeout=WITHIN_S)

    assert "RUN_NOT_FOUND" == refusal.reason
    assert 0 == code


async def test_a_port_in_use_is_a_sentence(temporal: TemporalServer) -> None:
    """Not a traceback, and not a second gateway that shares the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process(**temporal.environment, WORKER_PORT=str(port)) as running:
            _, errors = running.communicate(timeout=WITHIN_S)

    assert 1 == running.returncode
    assert f"error: the gateway cannot listen on 127.0.0.1:{port}: is the port in use?" in errors
    assert "Traceback" not in errors


async def test_two_gateways_cannot_share_a_port(caller: Caller, temporal: TemporalServer) -> None:
    """Linux would let them, and half of the calls would end at the wrong one."""
    client = await connect(lazy=True, environment=temporal.environment)

    with pytest.raises(ConfigurationError, match="is the port in use"):
        async with gateway(client, GatewaySettings(port=caller.port)):
            pass


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port under its short name, the rest under the project's prefix."""
    port = free_port()
    monkeypatch.setenv("WORKER_PORT", str(port))
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_HOST", "::1")
    monkeypatch.setenv("PORT", "1")

    settings = GatewaySettings()

    assert f"[::1]:{port}" == settings.address


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gateway.example"])
def test_only_loopback_is_bound_without_authentication(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """The refusal says why, and what to do."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_HOST", host)

    with pytest.raises(ConfigurationError, match="does not authenticate its callers") as refused:
        GatewaySettings()

    said = str(refused.value)
    assert said.startswith("the gateway does not authenticate its callers, so it binds to loopback")
    assert "CONTEXTWORKER_GATEWAY_INSECURE=true" in said


@pytest.mark.parametrize(("host", "warnings"), [("0.0.0.0", 1), ("127.0.0.1", 0)])
async def test_an_exposed_gateway_says_what_that_means(
    temporal: TemporalServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    host: str,
    warnings: int,
) -> None:
    """Binding beyond loopback has to be asked for, and is a loud warning at every start."""
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_HOST", host)
    monkeypatch.setenv("CONTEXTWORKER_GATEWAY_INSECURE", "true")
    monkeypatch.setenv("WORKER_PORT", "0")
    client = await connect(lazy=True, environment=temporal.environment)

    async with gateway(client, GatewaySettings()) as port, connected(port) as caller:
        assert SERVING == await until(lambda: health(caller), lambda now: now == SERVING)

    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == sum("INSECURE: callers are not authenticated" in line for line in said)
