"""The rights of whoever starts a run, as the run's workflow reads them."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from gateway_calls import Caller, connected
from gateway_deployments import until_announced
from gateway_schedules import NEVER_SOON
from gateway_tokens import SECRET
from gateway_world import token
from temporalio.client import Client

from contextcore import ContextUnit, SecurityScopes
from contextworker.core.caller import METADATA_KEY, CallerRights
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

pytestmark = pytest.mark.usefixtures("toys")
ALICE = CallerRights(
    subject="alice",
    tenant_id="acme",
    permissions=("feeds:read", "worker:execute", "worker:read", "worker:schedule"),
)
BOB = CallerRights(
    subject="bob",
    tenant_id="acme",
    permissions=("worker:execute", "worker:read", "worker:schedule"),
)
CODE = {"code": "rights"}


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
        await until_announced(caller.bearing(token()), name="toys")
        yield caller


def as_(door: Caller, rights: CallerRights) -> Caller:
    """Call with a token that gives these rights, and some tenants more."""
    permissions = list(rights.permissions or ())
    return door.bearing(
        token(sub=rights.subject, permissions=permissions, tenants=["globex", rights.tenant_id])
    )


def told(rights: CallerRights) -> dict[str, Any]:
    """Write rights as the toys tell them."""
    return rights.model_dump(mode="json")


def agent(**envelope: Any) -> ContextUnit:
    """Make a unit whose run waits, and then tells its rights."""
    payload = {
        "workflow_type": "toy_agent",
        "tenant_id": "acme",
        "supplier_code": uuid.uuid4().hex[:8],
    }
    return ContextUnit(payload=payload, **envelope)


async def ended(client: Client, caller: Caller, started: dict[str, Any]) -> Any:
    """Let an agent's run end; return what its status tells as the result."""
    await client.get_workflow_handle(started["workflow_id"]).signal("finish")
    status = await caller.status_when(started["workflow_id"], lambda it: "result" in it)
    return status["result"]


async def test_a_run_has_its_callers_rights_for_its_tenant(door: Caller) -> None:
    """Sorted, with what is implied; whatever other tenants the token is for."""
    reply = await as_(door, ALICE).ask("ExecuteCode", CODE | {"tenant_id": "acme"})
    chief = door.bearing(token(sub="chief", tenants=["*"], permissions=["worker:admin"]))
    ruled = await chief.ask("ExecuteCode", CODE | {"tenant_id": "acme"})

    everything = ["worker:admin", "worker:execute", "worker:read", "worker:schedule"]
    assert told(ALICE) == reply["result"]
    assert {"subject": "chief", "tenant_id": "acme", "permissions": everything} == ruled["result"]


async def test_a_run_that_a_service_starts_for_somebody_has_no_more_than_both(door: Caller) -> None:
    """Also the run that such a run starts."""
    service = as_(door, BOB.model_copy(update={"subject": "sandbox"}))
    rights = ALICE.model_dump_json().encode()

    first = await service.ask("ExecuteCode", CODE, metadata=[(METADATA_KEY, rights)])
    handed_on = CallerRights.model_validate(first["result"]).model_dump_json().encode()
    second = await service.ask("ExecuteCode", CODE, metadata=[(METADATA_KEY, handed_on)])

    expected = told(BOB.model_copy(update={"subject": "alice by sandbox"}))
    assert [expected] * 2 == [first["result"], second["result"]]


async def test_who_joins_a_run_or_sends_its_unit_lends_it_no_rights(
    door: Caller, temporal_client: Client
) -> None:
    """A run has those of whoever started it, to its end."""
    alice, bob = as_(door, ALICE), as_(door, BOB)
    unit = agent()
    other = unit.model_copy(update={"unit_id": str(uuid.uuid4())})

    started = await bob.ask("StartWorkflow", unit)
    joined = await alice.ask("StartWorkflow", other)
    again = await alice.ask("StartWorkflow", unit)

    assert ["already_running", "started"] == [it["status"] for it in (joined, again)]
    assert {started["run_id"]} == {it["run_id"] for it in (joined, again)}
    assert told(BOB) == await ended(temporal_client, alice, started)


async def test_a_schedules_runs_have_the_rights_of_whoever_registered_it(
    door: Caller, temporal_client: Client
) -> None:
    """Last, and not of whoever fires it; the same set from the same hand changes nothing."""
    alice, bob = as_(door, ALICE), as_(door, BOB)
    name = uuid.uuid4().hex[:8]
    agents = {
        "schedule_id": name,
        "workflow_type": "toy_agent",
        "cron": NEVER_SOON,
        "payload": {"supplier_code": name},
    }
    registering = {"tenant_id": "acme", "schedules": [agents]}

    replies = [
        await one.ask("RegisterSchedules", registering) for one in (alice, alice, bob, alice)
    ]
    fired = await bob.ask("TriggerSchedule", {"tenant_id": "acme", "schedule_id": name})

    assert [(1, 0), (0, 0), (0, 1), (0, 1)] == [(it["created"], it["updated"]) for it in replies]
    assert told(ALICE) == await ended(temporal_client, bob, fired)


async def test_rights_and_scopes_are_kept_side_by_side(
    door: Caller, temporal_client: Client
) -> None:
    """The one is for the run, the other for those who look at it."""
    alice, bob = as_(door, ALICE), as_(door, BOB)
    started = await alice.ask("StartWorkflow", agent(security=SecurityScopes(read=["feeds:read"])))

    refusal = await bob.refused("GetTaskStatus", {"workflow_id": started["workflow_id"]})

    assert "SCOPE_MISSING" == refusal.reason
    assert told(ALICE) == await ended(temporal_client, alice, started)


async def test_other_runs_are_told_nothing(caller: Caller, temporal_client: Client) -> None:
    """A route that does not ask for rights has a memo as ever: none."""
    started = await caller.ask("StartWorkflow", {"workflow_type": "toy_plain"})

    handle = temporal_client.get_workflow_handle(started["workflow_id"])
    assert {} == await (await handle.describe()).memo()
