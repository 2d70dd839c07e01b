"""What a token permits: RPCs by permission, units by scope, tenants by name."""

from collections.abc import AsyncIterator

import grpc
import jwt
import pytest
import pytest_asyncio
from gateway_calls import Caller, Refusal, connected, refusal_of
from gateway_deployments import until_announced
from gateway_tokens import SECRET, claims
from temporalio.client import Client

from contextcore import ContextUnit, SecurityScopes, worker_pb2
from contextworker.gateway.identity.caller import Caller as Identity
from contextworker.gateway.identity.claims import caller_of
from contextworker.gateway.identity.permissions import PERMISSIONS, WORKER_PERMISSIONS
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

SERVICE = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"]
STREAMS = {method.name for method in SERVICE.methods if method.server_streaming}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(temporal_client: Client, toys: None) -> AsyncIterator[Caller]:
    """Call a gateway that takes tokens."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_auth_secret=SECRET,
        gateway_temporal_timeout_s=20,  # Temporal answers late where the machine is busy
    )
    async with gateway(temporal_client, settings) as port, connected(port) as caller:
        await until_announced(caller.bearing(token("worker:read")), name="toys")
        yield caller


def token(*permissions: str, tenants: tuple[str, ...] = ("acme",)) -> str:
    """Make a token."""
    body = claims(iss=None, aud=None, tenants=list(tenants), permissions=list(permissions))
    return jwt.encode(body, SECRET, "HS256")


async def call(caller: Caller, rpc: str, unit: ContextUnit) -> Refusal | None:
    """Make any call, also one that streams, and return how it was refused."""
    if rpc not in STREAMS:
        try:
            await caller.send(rpc, unit)
        except Refusal as refusal:
            return refusal
        return None
    stream = getattr(caller.stub, rpc)(
        unit.to_protobuf(worker_pb2), timeout=20, metadata=caller._metadata
    )
    try:
        async for _ in stream:
            pass
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    return None


def test_every_rpc_takes_a_permission() -> None:
    """A new RPC has to say which: without, it would serve nobody."""
    assert {method.name for method in SERVICE.methods} == set(PERMISSIONS)
    assert set(PERMISSIONS.values()) == WORKER_PERMISSIONS - {"worker:admin"}


@pytest.mark.parametrize("rpc", PERMISSIONS)
async def test_an_rpc_is_denied_without_its_permission(door: Caller, rpc: str) -> None:
    """Every other permission does not help; the refusal names the one that does."""
    needed = PERMISSIONS[rpc]
    others = WORKER_PERMISSIONS - {needed, "worker:admin"}

    refusal = await call(door.bearing(token(*others)), rpc, ContextUnit())

    assert refusal
    assert (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_MISSING") == (
        refusal.code,
        refusal.reason,
    )
    assert {"rpc": rpc, "permission": needed} == refusal.metadata
    assert needed in refusal.message


@pytest.mark.parametrize("permission", ["its own", "worker:admin"])
@pytest.mark.parametrize("rpc", PERMISSIONS)
async def test_an_rpc_is_permitted_with_its_permission(
    door: Caller, rpc: str, permission: str
) -> None:
    """What is said then is about the request, which is wrong on purpose."""
    held = PERMISSIONS[rpc] if permission == "its own" else permission

    refusal = await call(door.bearing(token(held)), rpc, ContextUnit(payload={"no such field": 1}))

    assert refusal is None or refusal.code not in (
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
    )


@pytest.mark.parametrize("rpc", PERMISSIONS)
async def test_what_a_unit_asks_of_writers_has_to_be_held(door: Caller, rpc: str) -> None:
    """On every RPC; all that is missing is named at once, and nobody is an exception."""
    unit = ContextUnit(security=SecurityScopes(write=["prices:write", "held", "catalogue:write"]))

    refusal = await call(door.bearing(token("worker:admin", "held")), rpc, unit)

    assert refusal
    assert (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING") == (refusal.code, refusal.reason)
    assert {"scopes": "catalogue:write,prices:write"} == refusal.metadata
    assert "'prices:write'" in refusal.message


async def test_a_held_scope_passes(door: Caller) -> None:
    """Scopes stand among the permissions."""
    unit = ContextUnit(security=SecurityScopes(read=["not asked here"], write=["prices:write"]))

    bearing = door.bearing(token("worker:read", "prices:write"))
    assert ["modules"] == list((await bearing.send("ListModules", unit)).payload)


async def test_without_authentication_scopes_are_not_asked(caller: Caller) -> None:
    """Everybody may do everything there."""
    unit = ContextUnit(security=SecurityScopes(write=["prices:write"]))

    assert ["modules"] == list((await caller.send("ListModules", unit)).payload)


@pytest.mark.parametrize(
    ("said", "tenants", "permissions"),
    [
        pytest.param(
            {"tenants": ["acme", "b.c_d-1"], "permissions": ["worker:read", "x:y"]},
            {"acme", "b.c_d-1"},
            {"worker:read", "x:y"},
            id="some",
        ),
        pytest.param(
            {"tenants": ["acme"], "permissions": ["worker:admin"]},
            {"acme"},
            WORKER_PERMISSIONS,
            id="admin_of_a_tenant",
        ),
        pytest.param(
            {"tenants": ["*"], "permissions": ["worker:admin", "x"]},
            None,
            WORKER_PERMISSIONS | {"x"},
            id="admin_of_all",
        ),
        pytest.param({"tenants": ["acme"]}, {"acme"}, set(), id="nothing"),
        pytest.param(
            {"tenants": ["acme"], "scope": " worker:read  x "},
            {"acme"},
            {"worker:read", "x"},
            id="scope",
        ),
    ],
)
def test_claims_are_read(
    said: dict[str, object], tenants: set[str] | None, permissions: set[str]
) -> None:
    """Admin implies the other three and no scope of a unit; `*` is every tenant."""
    expected = Identity(
        "commerce", None if tenants is None else frozenset(tenants), frozenset(permissions), 7.0
    )

    assert expected == caller_of({"sub": "commerce", **said}, until=7.0)


def test_tokens_that_say_the_same_share_it() -> None:
    """Ten thousand are remembered, and each may name hundreds of tenants."""
    said = {"sub": "commerce", "tenants": ["acme", "globex"], "permissions": ["worker:read"]}

    one, other = (caller_of(said, until=until) for until in (7.0, 8.0))

    assert one.tenants is other.tenants
    assert one.permissions is other.permissions
