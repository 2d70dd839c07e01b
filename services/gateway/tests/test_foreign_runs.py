"""Whose a run is: what a tenant may do with its own, and that it learns nothing of another's."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import jwt
import pytest
import pytest_asyncio
from gateway_calls import Caller, connected, until
from gateway_tokens import SECRET, claims
from temporalio.client import Client

from contextcore import ContextUnit, SecurityScopes
from contextworker.core.tenancy import TENANT_ATTRIBUTE
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

pytestmark = pytest.mark.usefixtures("toys")
LOOKS = ["GetTaskStatus", "WatchTask", "CancelTask"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(temporal_client: Client) -> AsyncIterator[Caller]:
    """Call a gateway that takes tokens."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_auth_secret=SECRET,
        gateway_temporal_timeout_s=20,
    )
    async with gateway(temporal_client, settings) as port, connected(port) as caller:
        yield caller


def of(door: Caller, *tenants: str, permissions: tuple[str, ...] = ("worker:admin",)) -> Caller:
    """Call for tenants."""
    body = claims(iss=None, aud=None, tenants=list(tenants), permissions=list(permissions))
    return door.bearing(jwt.encode(body, SECRET, "HS256"))


def toy(supplier: str = "wait", **security: list[str]) -> ContextUnit:
    """Ask for a run that waits."""
    return ContextUnit(
        payload={"workflow_type": "toy", "supplier_code": supplier, "items": []},
        security=SecurityScopes(**security),
    )


async def answer(caller: Caller, rpc: str, payload: dict[str, Any]) -> str:
    """Call for the whole refusal as it comes over the wire, without the run's names."""
    call = getattr(caller.stub, rpc)(
        ContextUnit(payload=payload).to_protobuf(), metadata=caller._metadata, timeout=60
    )
    try:
        if isinstance(call, grpc.aio.UnaryStreamCall):
            await anext(aiter(call))
        else:
            await call
    except grpc.aio.AioRpcError as error:
        whole = repr((error.code(), error.details(), sorted(error.trailing_metadata() or ())))
        for index, name in enumerate(payload.values()):
            assert len(name) == len(name.encode())
            whole = whole.replace(name, f"name {index}")
        return whole
    raise AssertionError(f"{rpc} was answered")


@pytest.mark.parametrize("rpc", LOOKS)
@pytest.mark.parametrize("named", [False, True], ids=["latest", "by_run_id"])
@pytest.mark.parametrize("supplier", ["wait", "done", "again", "permanent"])
async def test_a_foreign_run_is_answered_to_the_byte_like_one_that_never_was(
    door: Caller, rpc: str, supplier: str, *, named: bool
) -> None:
    """Open, closed, failed or continued: code, message and details are the same."""
    tenant = f"t{uuid.uuid4().hex[:8]}"
    started = await of(door, tenant).ask("StartWorkflow", toy(supplier))
    real = {name: started[name] for name in ("workflow_id", "run_id")[: 1 + named]}
    never = {
        "workflow_id": started["workflow_id"][:-1] + "%",
        "run_id": str(uuid.uuid4()),
    }

    stranger = of(door, "globex")
    foreign = await answer(stranger, rpc, real)
    unknown = await answer(stranger, rpc, {name: never[name] for name in real})

    assert "RUN_NOT_FOUND" in foreign
    assert unknown == foreign


async def test_a_list_holds_the_callers_tenants_alone(door: Caller) -> None:
    """One of them, all of them, and never another's; nor may that be asked for."""
    one, two, other = (f"t{uuid.uuid4().hex[:8]}" for _ in range(3))
    ids = {
        tenant: (await of(door, tenant).ask("StartWorkflow", toy("done")))["workflow_id"]
        for tenant in (one, two, other)
    }
    both = of(door, one, two)

    async def listed(**wanted: str) -> set[str]:
        tasks = (await both.ask("ListTasks", wanted))["tasks"]
        return {task["workflow_id"] for task in tasks}

    everything = await until(listed, lambda found: len(found) >= 2)
    refusal = await both.refused("ListTasks", {"tenant_id": other})

    assert {ids[one], ids[two]} == everything
    assert {ids[two]} == await listed(tenant_id=two)
    assert (grpc.StatusCode.PERMISSION_DENIED, "TENANT_DENIED") == (refusal.code, refusal.reason)


@pytest.mark.parametrize("rpc", LOOKS)
async def test_a_run_without_a_tenant_is_for_those_who_have_every_tenant(
    door: Caller, temporal_client: Client, rpc: str
) -> None:
    """Somebody else may start runs beside the gateway."""
    handle = await temporal_client.start_workflow(
        "toy", toy("done"), id=f"aside-{uuid.uuid4()}", task_queue="toys-tasks"
    )
    question = {"workflow_id": handle.id}

    everybody = await of(door, "*").ask(rpc, question)
    refusal = await of(door, "acme").refused(rpc, question)

    assert handle.id == everybody["workflow_id"]
    assert "RUN_NOT_FOUND" == refusal.reason


@pytest.mark.parametrize("rpc", LOOKS)
async def test_a_tenant_that_is_named_must_be_the_runs(door: Caller, rpc: str) -> None:
    """A caller with two tenants asks in the name of one."""
    both = of(door, "acme", "globex")
    unit = toy("done")
    started = await both.ask(
        "StartWorkflow", unit.model_copy(update={"payload": {**unit.payload, "tenant_id": "acme"}})
    )
    question = {"workflow_id": started["workflow_id"]}

    mine = await both.ask(rpc, {**question, "tenant_id": "acme"})
    other = await both.refused(rpc, {**question, "tenant_id": "globex"})
    foreign = await both.refused(rpc, {**question, "tenant_id": "initech"})

    assert started["workflow_id"] == mine["workflow_id"]
    assert "RUN_NOT_FOUND" == other.reason
    assert (grpc.StatusCode.PERMISSION_DENIED, "TENANT_DENIED") == (foreign.code, foreign.reason)


@pytest.mark.parametrize(
    ("rpc", "missing"),
    [
        ("GetTaskStatus", "prices:read"),
        ("WatchTask", "prices:read"),
        ("CancelTask", "prices:write"),
    ],
)
async def test_a_run_takes_the_scopes_of_its_unit(door: Caller, rpc: str, missing: str) -> None:
    """To read it those of `read`, to cancel it those of `write`."""
    tenant = f"t{uuid.uuid4().hex[:8]}"
    holder = of(door, tenant, permissions=("worker:admin", "prices:read", "prices:write"))
    started = await holder.ask("StartWorkflow", toy(read=["prices:read"], write=["prices:write"]))
    question = {"workflow_id": started["workflow_id"]}

    refusal = await of(door, tenant).refused(rpc, question)
    listed = await of(door, tenant).ask("ListTasks", {})
    mine = await holder.ask("CancelTask", question)

    assert (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING") == (refusal.code, refusal.reason)
    assert {"scopes": missing} == refusal.metadata
    assert [] == listed["tasks"]
    assert "cancelling" == mine["status"]


async def test_a_run_carries_its_tenant_and_its_scopes(
    door: Caller, temporal_client: Client
) -> None:
    """Where Temporal's own tools show them."""
    tenant = f"t-{uuid.uuid4().hex[:8]}"

    started = await of(door, tenant).ask("StartWorkflow", toy("done", read=["worker:read"]))

    described = await temporal_client.get_workflow_handle(started["workflow_id"]).describe()
    assert tenant == described.typed_search_attributes[TENANT_ATTRIBUTE]
    assert tenant == described.raw_description.workflow_execution_info.priority.fairness_key
    assert {"read": ["worker:read"], "write": []} == (
        await described.memo_value("contextworker.security")
    )


async def test_a_run_continued_or_begun_by_another_is_its_tenants(
    door: Caller, temporal_client: Client
) -> None:
    """A child's status is there for the tenant, as is that of a run that continued."""
    tenant = f"t{uuid.uuid4().hex[:8]}"
    caller = of(door, tenant)
    parent = await caller.ask("StartWorkflow", toy("child"))
    ended = await caller.status_when(parent["workflow_id"], lambda it: it["status"] == "failed")
    again = await caller.ask("StartWorkflow", toy("again"))
    continued = await caller.status_when(
        again["workflow_id"], lambda it: it["status"] == "completed"
    )
    history = await temporal_client.get_workflow_handle(ended["workflow_id"]).fetch_history()
    [child] = [
        event.child_workflow_execution_started_event_attributes.workflow_execution.workflow_id
        for event in history.events
        if event.HasField("child_workflow_execution_started_event_attributes")
    ]

    assert again["run_id"] != continued["run_id"]
    assert "failed" == (await caller.status(child))["status"]
    assert (
        "RUN_NOT_FOUND"
        == (await of(door, "globex").refused("GetTaskStatus", {"workflow_id": child})).reason
    )
