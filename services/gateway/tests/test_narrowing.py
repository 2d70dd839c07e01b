"""Calls made for somebody else: with their rights, and never with more than the token's own."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from gateway_calls import Caller, connected
from gateway_deployments import until_announced
from gateway_tokens import SECRET
from gateway_world import token
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from temporalio.client import Client

from contextworker.core.caller import METADATA_KEY, CallerRights
from contextworker.gateway.errors import TenantDeniedError
from contextworker.gateway.identity.caller import Caller as Identity
from contextworker.gateway.identity.narrowing import MAX_RIGHTS_BYTES, narrowed_to
from contextworker.gateway.identity.permissions import WORKER_PERMISSIONS, with_implied
from contextworker.gateway.ownership.rights import rights_of
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

pytestmark = pytest.mark.usefixtures("toys")
DENIED = grpc.StatusCode.PERMISSION_DENIED
FIELD = "metadata.contextworker-on-behalf-of-bin"
Metadata = list[tuple[str, str | bytes]]


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


def acting_for(**rights: Any) -> Metadata:
    """Make the metadata of a call that is made for alice, of acme."""
    whole = {"subject": "alice", "tenant_id": "acme", "permissions": None} | rights
    return [(METADATA_KEY, CallerRights.model_validate(whole).model_dump_json().encode())]


ALL = "worker:execute", "worker:read", "worker:schedule"


async def test_a_service_calls_for_one_tenant_of_its_own(door: Caller) -> None:
    """What it starts is that tenant's, as if nobody else's were within its reach."""
    service = door.bearing(token(tenants=["acme", "globex"], sub="sandbox"))
    start = {"workflow_type": "toy", "supplier_code": f"done-{uuid.uuid4().hex[:8]}"}

    started = await service.ask("StartWorkflow", start, metadata=acting_for())
    ours = {"workflow_id": started["workflow_id"]}
    foreign = await service.refused("GetTaskStatus", ours, metadata=acting_for(tenant_id="globex"))
    named = await service.refused(
        "StartWorkflow", start | {"tenant_id": "globex"}, metadata=acting_for()
    )

    assert started["workflow_id"].startswith("toy-acme-")
    assert ("RUN_NOT_FOUND", "TENANT_DENIED") == (foreign.reason, named.reason)
    assert started["run_id"] == (await service.ask("GetTaskStatus", ours))["run_id"]


async def test_permissions_are_those_that_both_have(door: Caller) -> None:
    """The refusal says whose it lacks: the service's, or those of whom it calls for."""
    reader, writer = (door.bearing(token(permissions=[one], sub="sandbox")) for one in ALL[1::-1])

    for_writer = await reader.refused(
        "StartWorkflow", {}, metadata=acting_for(permissions=("worker:execute",))
    )
    for_reader = await writer.refused(
        "StartWorkflow", {}, metadata=acting_for(permissions=("worker:read",))
    )

    told = [(it.code, it.reason, it.metadata["permission"]) for it in (for_writer, for_reader)]
    assert [(DENIED, "PERMISSION_MISSING", "worker:execute")] * 2 == told
    assert "which your token does not have; use a token" in for_writer.message
    assert "which alice by sandbox does not have" in for_reader.message


async def test_a_tenant_that_is_not_the_service_s_is_denied(door: Caller) -> None:
    """On every call, whatever the payload says."""
    metadata = acting_for(tenant_id="globex")

    refusal = await door.bearing(token()).refused("ListModules", {}, metadata=metadata)

    assert (DENIED, "TENANT_DENIED", {"tenant_id": "globex"}) == (
        refusal.code,
        refusal.reason,
        refusal.metadata,
    )
    assert (
        "your token is not for the tenant 'globex', which the metadata "
        "contextworker-on-behalf-of-bin names; use a token that is" == refusal.message
    )


async def test_without_authentication_rights_are_narrowed_too(caller: Caller) -> None:
    """Everybody may do everything there, but not in the name of somebody who may not."""
    metadata = acting_for(permissions=("worker:read",))

    read = await caller.ask("ListTasks", {}, metadata=metadata)
    refusal = await caller.refused("StartWorkflow", {}, metadata=metadata)
    elsewhere = await caller.refused("ListTasks", {"tenant_id": "globex"}, metadata=metadata)

    assert {"tasks"} == set(read) - {"next_page_token"}
    assert "which alice by anonymous does not have" in refusal.message
    assert "TENANT_DENIED" == elsewhere.reason


async def test_rights_do_not_stand_in_for_a_token(door: Caller) -> None:
    """Who calls is asked first."""
    refusal = await door.refused("ListModules", {}, metadata=acting_for())

    assert grpc.StatusCode.UNAUTHENTICATED == refusal.code


RIGHTS = b'{"subject": "alice", "tenant_id": "acme"}'
SHAPE = "must be the JSON of rights: subject, tenant_id and permissions "


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        pytest.param([RIGHTS, RIGHTS], "must be there once at most", id="twice"),
        pytest.param(
            [RIGHTS[:-1] + b" " * MAX_RIGHTS_BYTES + b"}"],
            "must take at most 8,192 bytes, not 8,233",
            id="too_large",
        ),
        pytest.param(
            [b"\xff"],
            f"{SHAPE}(it: Invalid JSON: expected value at line 1 column 1)",
            id="no_json",
        ),
        pytest.param([b""], f"{SHAPE}(it: Invalid JSON: EOF while parsing", id="empty"),
        pytest.param([b"[]"], f"{SHAPE}(it: Input should be an object)", id="no_object"),
        pytest.param([b"{}"], f"{SHAPE}(subject: Field required; tenant_id: ", id="nobody"),
        pytest.param(
            [b'{"subject": "alice", "tenant_id": "*"}'],
            f"{SHAPE}(tenant_id: String should match pattern",
            id="every_tenant",
        ),
        pytest.param(
            [b'{"subject": "alice", "tenant_id": "acme", "permissions": "worker:read"}'],
            f"{SHAPE}(permissions: Input should be a valid array)",
            id="no_list",
        ),
        pytest.param(
            [b'{"subject": "alice", "tenant_id": "acme", "until": 0}'],
            f"{SHAPE}(until: Extra inputs are not permitted)",
            id="of_a_later_version",
        ),
        pytest.param(
            [b'{"subject": "al\\nice", "tenant_id": "acme"}'],
            "must name a subject that can be printed",
            id="unprintable",
        ),
    ],
)
async def test_rights_that_cannot_be_read_are_refused(
    door: Caller, sent: list[bytes], problem: str
) -> None:
    """As the caller's mistake, and never as no rights at all; what was sent is not repeated."""
    metadata: Metadata = [(METADATA_KEY, data) for data in sent]

    refusal = await door.bearing(token()).refused("ListModules", {}, metadata=metadata)

    assert (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", [FIELD]) == (
        refusal.code,
        refusal.reason,
        list(refusal.violations),
    )
    assert refusal.violations[FIELD].startswith(problem)
    assert "alice" not in refusal.message


_TENANTS = st.sampled_from(["acme", "globex", "initech"])
_PERMISSIONS = st.frozensets(st.sampled_from([*sorted(WORKER_PERMISSIONS), "x:y", "x:z"]))
_names = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=300
)
_identities: SearchStrategy[Identity] = st.builds(
    Identity,
    subject=_names,
    tenants=st.none() | st.frozensets(_TENANTS, min_size=1),
    permissions=st.none() | _PERMISSIONS.map(with_implied),
    until=st.none() | st.floats(0, 1e10),
)
_rights: SearchStrategy[CallerRights] = st.builds(
    CallerRights,
    subject=_names,
    tenant_id=_TENANTS,
    permissions=st.none() | _PERMISSIONS.map(sorted).map(tuple),
)


@given(_identities, _rights)
def test_narrowing_never_widens(caller: Identity, rights: CallerRights) -> None:
    """What is left is the caller's, and is theirs; or the tenant is denied."""
    if not caller.sees(rights.tenant_id):
        with pytest.raises(TenantDeniedError):
            narrowed_to(caller, rights)
        return

    acting = narrowed_to(caller, rights)

    assert frozenset([rights.tenant_id]) == acting.tenants
    assert caller.until == acting.until
    for permission in [*WORKER_PERMISSIONS, "x:y", "x:z", "another"]:
        theirs = rights.permissions is None or permission in with_implied(rights.permissions)
        both = theirs and not caller.lacks([permission])
        assert both == (not acting.lacks([permission]))
    assert acting.subject.isprintable()
    assert len(acting.subject) <= 204
    again = narrowed_to(acting, rights_of(acting, rights.tenant_id))
    assert (acting.tenants, acting.permissions) == (again.tenants, again.permissions)


@given(_identities, _rights)
def test_rights_that_are_handed_on_stay_as_they_are(caller: Identity, rights: CallerRights) -> None:
    """However many runs start one another: neither the rights nor the name grow."""
    if not caller.sees(rights.tenant_id):
        return
    once = narrowed_to(caller, rights)

    assert once == narrowed_to(caller, rights_of(once, rights.tenant_id))


@pytest.mark.parametrize(
    ("claimed", "verified", "expected"),
    [
        ("alice", "sandbox", "alice by sandbox"),
        ("alice by sandbox", "sandbox", "alice by sandbox"),
        ("alice by sandbox", "shop", "alice by sandbox by shop"),
        ("a" * 300, "s" * 300, f"{'a' * 99}… by {'s' * 99}…"),
    ],
    ids=["plain", "again", "another", "long"],
)
def test_a_narrowed_caller_has_both_names(claimed: str, verified: str, expected: str) -> None:
    """The one that is certain comes last, and is never cut off."""
    rights = CallerRights(subject=claimed, tenant_id="acme")

    assert expected == narrowed_to(Identity(verified), rights).subject
