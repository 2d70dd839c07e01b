"""Gateways in every state that a caller may meet one in, and what a call of each RPC takes."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from gateway_calls import Caller, connected
from gateway_deployments import until_announced
from gateway_tokens import SECRET, claims
from jwt import encode
from temporalio.client import Client

from contextworker.core.connection import connect
from contextworker.core.testing.server import free_port
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

EVERYTHING = ["worker:execute", "worker:read", "worker:schedule"]


def token(**changed: Any) -> str:
    """Make a token of tenant acme for all the calls; a change to None takes a claim out."""
    body = claims(**({"iss": None, "aud": None, "permissions": EVERYTHING} | changed))
    return encode(body, SECRET, "HS256")


@dataclass
class World:
    """Callers of gateways, by what is the matter with each."""

    open: Caller
    """Nothing: it serves everybody."""

    guarded: Caller
    """It takes tokens."""

    keyless: Caller
    """It takes tokens, and its keys are away."""

    hurried: Caller
    """One call per second and tenant."""

    narrow: Caller
    """One call, one watch at a time; its Temporal takes calls and never answers."""

    alone: Caller
    """Its Temporal is not there."""

    busy: Caller
    """Its Temporal asks to slow down."""

    refusing: Caller
    """Its Temporal says that what it is asked is invalid."""


@asynccontextmanager
async def world(client: Client, caller: Caller) -> AsyncIterator[World]:
    """Run a gateway of each kind."""
    async with AsyncExitStack() as stack:

        async def before(temporal: Client | str, **settings: Any) -> Caller:
            if isinstance(temporal, str):
                temporal = await connect(lazy=True, environment={"TEMPORAL_ADDRESS": temporal})
            patient = {"gateway_temporal_timeout_s": 20}  # the machine may be busy
            chosen = GatewaySettings(port=0, gateway_shutdown_grace_s=0, **patient | settings)
            port = await stack.enter_async_context(gateway(temporal, chosen))
            return await stack.enter_async_context(connected(port))

        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        keys = {
            "gateway_auth_jwks": f"http://127.0.0.1:{free_port()}/jwks.json",
            "gateway_auth_issuer": "https://login.example/",
            "gateway_auth_audience": "contextworker",
        }
        guarded = await before(client, gateway_auth_secret=SECRET)
        keyed = guarded.bearing(token())
        for one in (caller, keyed):
            await until_announced(one, name="toys")
        yield World(
            open=caller,
            guarded=guarded,
            keyless=await before(client, **keys),
            hurried=await before(client, gateway_rate_per_s=1),
            narrow=await before(
                f"127.0.0.1:{deaf.getsockname()[1]}",
                gateway_max_concurrent_calls=1,
                gateway_max_watches=1,
                gateway_temporal_timeout_s=10,
            ),
            alone=await before(f"127.0.0.1:{free_port()}"),
            busy=await before(
                await stack.enter_async_context(_answering(grpc.StatusCode.RESOURCE_EXHAUSTED))
            ),
            refusing=await before(
                await stack.enter_async_context(_answering(grpc.StatusCode.INVALID_ARGUMENT))
            ),
        )


@asynccontextmanager
async def _answering(code: grpc.StatusCode) -> AsyncIterator[str]:
    """Run what passes for a Temporal that ends every call with one status; yields its address."""

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            connecting = details.method.endswith("/GetSystemInfo")

            async def end(_: bytes, context: Any) -> bytes:
                if connecting:
                    return b""
                await context.abort(code, "not now")
                return b""

            return grpc.unary_unary_rpc_method_handler(end)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


VALID: dict[str, dict[str, Any]] = {
    "StartWorkflow": {"workflow_type": "toy", "supplier_code": "done"},
    "GetTaskStatus": {"workflow_id": "toy-acme-nothing"},
    "ExecuteCode": {"code": "1 + 1"},
    "ListModules": {},
    "WatchTask": {"workflow_id": "toy-acme-nothing"},
    "CancelTask": {"workflow_id": "toy-acme-nothing"},
    "ListTasks": {},
    "RegisterSchedules": {
        "schedules": [
            {
                "schedule_id": "nightly",
                "workflow_type": "toy",
                "cron": "0 3 * * *",
                "payload": {"supplier_code": "done"},
            }
        ]
    },
    "ListSchedules": {},
    "PauseSchedule": {"schedule_id": "nothing"},
    "ResumeSchedule": {"schedule_id": "nothing"},
    "TriggerSchedule": {"schedule_id": "nothing"},
    "BackfillSchedule": {
        "schedule_id": "nothing",
        "start_at": "2026-01-01T00:00:00Z",
        "end_at": "2026-01-02T00:00:00Z",
    },
    "DeleteSchedule": {"schedule_id": "nothing"},
}
"""A payload for each RPC that nothing is wrong with; what it names need not be there."""
