"""A token's tenants, end to end: from the metadata of a call to the run in Temporal."""

import uuid
from collections.abc import AsyncIterator

import grpc
import jwt
import pytest
import pytest_asyncio
from gateway_calls import Caller, connected
from gateway_deployments import until_announced
from gateway_tokens import SECRET, claims
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

pytestmark = pytest.mark.usefixtures("toys")


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
        await until_announced(caller.bearing(of("acme")), name="toys")
        yield caller


def of(*tenants: str) -> str:
    """Make a token for tenants."""
    body = claims(iss=None, aud=None, tenants=list(tenants), permissions=["worker:admin"])
    return jwt.encode(body, SECRET, "HS256")


def toy(**more: str) -> dict[str, str]:
    """A payload that starts a run."""
    return {"workflow_type": "toy", "supplier_code": f"done-{uuid.uuid4().hex[:8]}", **more}


@pytest.mark.parametrize(
    ("tenants", "named", "expected"),
    [
        pytest.param(["acme"], {}, "acme", id="the_only_one"),
        pytest.param(["acme"], {"tenant_id": "acme"}, "acme", id="the_only_one_named"),
        pytest.param(["acme", "globex"], {"tenant_id": "globex"}, "globex", id="one_of_two"),
        pytest.param(["*"], {"tenant_id": "globex"}, "globex", id="any"),
        pytest.param(["*"], {}, "default", id="any_and_none_named"),
    ],
)
async def test_the_token_decides_whose_run_it_is(
    door: Caller,
    temporal_client: Client,
    tenants: list[str],
    named: dict[str, str],
    expected: str,
) -> None:
    """In the run's id, and in the payload that the module gets."""
    started = await door.bearing(of(*tenants)).ask("StartWorkflow", toy(**named))

    assert started["workflow_id"].startswith(f"toy-{expected}-")
    handle = temporal_client.get_workflow_handle(started["workflow_id"])
    history = await handle.fetch_history()
    (argument,) = history.events[0].workflow_execution_started_event_attributes.input.payloads
    (unit,) = await temporal_client.data_converter.decode([argument], [ContextUnit])
    assert expected == unit.payload["tenant_id"]


async def test_another_tenant_is_denied(door: Caller) -> None:
    """What the payload names must be the token's, whatever the permissions."""
    refusal = await door.bearing(of("acme")).refused("StartWorkflow", toy(tenant_id="globex"))

    assert (grpc.StatusCode.PERMISSION_DENIED, "TENANT_DENIED") == (refusal.code, refusal.reason)
    assert {"tenant_id": "globex"} == refusal.metadata


async def test_one_of_several_has_to_be_named(door: Caller) -> None:
    """Nothing is picked silently."""
    refusal = await door.bearing(of("globex", "acme")).refused("StartWorkflow", toy())

    assert (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST") == (refusal.code, refusal.reason)
    assert {"payload.tenant_id": "is required: your token is for acme, globex"} == (
        refusal.violations
    )


async def test_a_foreign_run_is_answered_like_one_that_never_was(door: Caller) -> None:
    """The same code, message and details, so that nobody learns which ids there are."""
    payload = toy()
    started = await door.bearing(of("acme")).ask("StartWorkflow", payload)
    foreign, never = started["workflow_id"], f"toy-acme-{uuid.uuid4().hex}"

    mine = await door.bearing(of("acme")).status(foreign)
    refusals = [
        await door.bearing(of("globex")).refused("GetTaskStatus", {"workflow_id": workflow_id})
        for workflow_id in (foreign, never)
    ]

    assert foreign == mine["workflow_id"]
    assert "RUN_NOT_FOUND" == refusals[0].reason
    told = [repr(one).replace(foreign, "ID").replace(never, "ID") for one in refusals]
    assert told[0] == told[1]
