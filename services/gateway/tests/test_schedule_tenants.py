"""Whose schedules are whose: a foreign one is answered like one that never was."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import jwt
import pytest
import pytest_asyncio
from gateway_calls import Caller, Refusal, connected, until
from gateway_deployments import until_announced
from gateway_schedules import Tenant, definition
from gateway_tokens import SECRET, claims
from temporalio.client import Client

from contextcore import ContextUnit, SecurityScopes
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

CALLS: dict[str, dict[str, Any]] = {
    "PauseSchedule": {},
    "ResumeSchedule": {},
    "TriggerSchedule": {},
    "BackfillSchedule": {"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z"},
    "DeleteSchedule": {},
}
Bearing = Callable[..., Caller]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bearing(temporal_client: Client, toys: None) -> AsyncIterator[Bearing]:
    """Make callers of a gateway that takes tokens, for tenants and with further permissions."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_auth_secret=SECRET,
        gateway_temporal_timeout_s=20,  # Temporal answers late where the machine is busy
    )

    def make(*tenants: str, scopes: tuple[str, ...] = ()) -> Caller:
        permissions = ["worker:read", "worker:schedule", *scopes]
        body = claims(iss=None, aud=None, tenants=list(tenants), permissions=permissions)
        return caller.bearing(jwt.encode(body, SECRET, "HS256"))

    async with gateway(temporal_client, settings) as port, connected(port) as caller:
        await until_announced(make("acme"), name="toys")
        yield make


@pytest.fixture
def names() -> tuple[str, str]:
    """Two tenants, the one's name within the other's."""
    name = f"t{uuid.uuid4().hex[:8]}"
    return name, f"{name}-a"


async def listed(caller: Caller, count: int, **payload: str) -> list[tuple[str, str]]:
    """List so many schedules, each with its tenant."""
    page = await until(
        lambda: caller.ask("ListSchedules", payload), lambda page: len(page["schedules"]) == count
    )
    return sorted((one["tenant_id"], one["schedule_id"]) for one in page["schedules"])


def like(refusal: Refusal, tenant_id: str) -> tuple[Any, ...]:
    """Return all of a refusal but the name of the caller's own tenant."""
    metadata = refusal.metadata | {"tenant_id": ""}
    assert tenant_id == refusal.metadata["tenant_id"]
    return refusal.code, refusal.reason, metadata, refusal.message.replace(tenant_id, "")


@pytest.mark.parametrize(("rpc", "more"), CALLS.items(), ids=CALLS)
async def test_a_foreign_schedule_is_one_that_never_was(
    bearing: Bearing, names: tuple[str, str], rpc: str, more: dict[str, Any]
) -> None:
    """The same code, details and words; and nothing happens to it."""
    ours, theirs = names
    owner = Tenant(bearing(theirs), theirs)
    await owner.register(definition())
    before = await owner.schedule()

    foreign = await bearing(ours).refused(rpc, {"schedule_id": "nightly", **more})
    unknown = await bearing(f"{ours}-x").refused(rpc, {"schedule_id": "nightly", **more})

    assert (grpc.StatusCode.NOT_FOUND, "SCHEDULE_NOT_FOUND") == (foreign.code, foreign.reason)
    assert like(foreign, ours) == like(unknown, f"{ours}-x")
    assert before == await owner.schedule()


@pytest.mark.parametrize("rpc", ["RegisterSchedules", "ListSchedules", *CALLS])
async def test_a_tenant_that_is_not_the_callers_is_denied(
    bearing: Bearing, names: tuple[str, str], rpc: str
) -> None:
    """Whoever names one is told so, whether it has schedules or not."""
    ours, theirs = names
    payload = {
        "RegisterSchedules": {"schedules": [definition()]},
        "ListSchedules": {},
    }.get(rpc, {"schedule_id": "nightly", **CALLS.get(rpc, {})})

    refusal = await bearing(ours).refused(rpc, {"tenant_id": theirs, **payload})

    assert (grpc.StatusCode.PERMISSION_DENIED, "TENANT_DENIED") == (refusal.code, refusal.reason)


async def test_two_tenants_may_call_their_schedules_the_same(
    bearing: Bearing, names: tuple[str, str]
) -> None:
    """Also where one's id and name together read like the other's."""
    ours, theirs = names
    await Tenant(bearing(ours), ours).register(definition("a-nightly"), definition("nightly"))
    await Tenant(bearing(theirs), theirs).register(definition("nightly"))

    assert [(ours, "a-nightly"), (ours, "nightly")] == await listed(bearing(ours), 2)
    assert [(theirs, "nightly")] == await listed(bearing(theirs), 1)
    assert 3 == len(await listed(bearing(ours, theirs), 3))
    assert [(theirs, "nightly")] == await listed(bearing(ours, theirs), 1, tenant_id=theirs)


async def test_a_caller_of_several_tenants_says_which(
    bearing: Bearing, names: tuple[str, str]
) -> None:
    """A schedule belongs to one."""
    refusal = await bearing(*names).refused("RegisterSchedules", {"schedules": [definition()]})

    assert ["payload.tenant_id"] == list(refusal.violations)


async def test_a_token_of_another_list_leads_nowhere(
    bearing: Bearing, names: tuple[str, str]
) -> None:
    """A page's token is good for its own list only."""
    ours, theirs = names
    owner = Tenant(bearing(theirs), theirs)
    await owner.register(definition("one"), definition("two"))
    await owner.schedules(2)
    page = await owner.ask("ListSchedules", page_size=1)

    refusal = await bearing(ours).refused("ListSchedules", {"page_token": page["next_page_token"]})

    assert ["payload.page_token"] == list(refusal.violations)


async def test_a_schedule_asks_for_the_scopes_of_its_unit(
    bearing: Bearing, names: tuple[str, str]
) -> None:
    """Who cannot read it does not see it; who cannot write changes nothing of it."""
    tenant, _ = names
    unit = ContextUnit(
        payload={"schedules": [definition()]},
        security=SecurityScopes(read=["feeds:read"], write=["feeds:write"]),
    )
    holder = bearing(tenant, scopes=("feeds:read", "feeds:write"))
    denied = await bearing(tenant, scopes=("feeds:read",)).refused("RegisterSchedules", unit)
    await holder.ask("RegisterSchedules", unit)
    assert [(tenant, "nightly")] == await listed(holder, 1)

    refusals = [
        await bearing(tenant).refused(rpc, {"schedule_id": "nightly", **more})
        for rpc, more in CALLS.items()
    ]
    # Of a set, not even what the caller might have written.
    refusals.append(await bearing(tenant).refused("RegisterSchedules", {"schedules": [
        definition("another"), definition(cron="0 5 * * *")
    ]}))  # fmt: skip

    assert [] == await listed(bearing(tenant), 0)
    assert {("SCOPE_MISSING", "feeds:write")} == {
        (refusal.reason, refusal.metadata["scopes"]) for refusal in [denied, *refusals]
    }
    unwritten = await bearing(tenant).refused("DeleteSchedule", {"schedule_id": "another"})
    assert "SCHEDULE_NOT_FOUND" == unwritten.reason
    assert [(tenant, "nightly")] == await listed(holder, 1)
