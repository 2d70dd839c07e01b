"""Every call, in every way it can end: the exact status, and exactly its details."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
import pytest
import pytest_asyncio
from gateway_calls import Caller, Refusal, connected, refusal_of, until
from gateway_contract import ENDINGS, README, RPCS, STREAMING, Ending, written
from gateway_deployments import deploy
from gateway_strangers import sleepers
from gateway_world import VALID, World, token, world
from temporalio.client import Client

from contextcore import ContextUnit, SecurityScopes, context_unit_pb2
from contextworker.core.announcement import Announcement
from contextworker.core.caller import METADATA_KEY, CallerRights
from contextworker.core.errors import TransientError, UnreadableError
from contextworker.gateway import errors, interceptor
from contextworker.gateway.deadline import within
from contextworker.gateway.errors import GatewayError
from contextworker.gateway.identity.authenticator import Authenticator
from contextworker.gateway.rpcs import requests
from contextworker.gateway.runs import access, executing, plan
from contextworker.gateway.schedules import reading
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

Code = grpc.StatusCode
CASES = [
    pytest.param(ending, rpc, id=f"{rpc}-{ending.reason or ending.code.name}")
    for ending in ENDINGS
    for rpc in ending.rpcs
]


@dataclass
class Told:
    """A refusal, and the details it must have; the code and the reason are the ending's."""

    refusal: Refusal
    metadata: dict[str, str] = field(default_factory=dict)
    violations: dict[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None


@dataclass
class Scene:
    """One call to be made to end."""

    world: World
    client: Client
    patch: pytest.MonkeyPatch
    rpc: str

    async def on(
        self, caller: Caller, payload: dict[str, Any] | None = None, **more: Any
    ) -> Refusal:
        """Make the call, with a payload that nothing is wrong with."""
        return await caller.refused(
            self.rpc, VALID[self.rpc] if payload is None else payload, **more
        )


Make = Callable[[Scene], Awaitable[Told]]
MAKERS: dict[tuple[str, str], Make] = {}


def ends(error: type[GatewayError] | tuple[grpc.StatusCode, str]) -> Callable[[Make], Make]:
    """Note how calls are made to end that way."""
    code, reason = error if isinstance(error, tuple) else (error.code, error.reason)

    def note(make: Make) -> Make:
        MAKERS[code.name, reason] = make
        return make

    return note


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateways(temporal_client: Client, caller: Caller, toys: None) -> AsyncIterator[World]:
    """Run gateways of every kind."""
    async with world(temporal_client, caller) as made:
        yield made


@pytest.mark.parametrize(("ending", "rpc"), CASES)
async def test_a_call_ends_as_the_table_says(
    gateways: World,
    temporal_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    ending: Ending,
    rpc: str,
) -> None:
    """The code, the reason and the details, and nothing besides."""
    make = MAKERS[ending.key]

    told = await make(Scene(gateways, temporal_client, monkeypatch, rpc))

    refusal = told.refusal
    expected = Refusal(
        ending.code,
        refusal.message,
        ending.reason,
        told.metadata,
        told.violations,
        told.retry_after_s,
    )
    assert expected == refusal
    assert refusal.message
    assert all(_names(key, refusal.metadata) for key in ending.metadata)
    assert len(ending.metadata) == len(refusal.metadata)
    assert ending.violations == bool(refusal.violations)
    assert ending.retry == (refusal.retry_after_s is not None)


def _names(key: str, metadata: dict[str, str]) -> bool:
    return any(one in metadata for one in key.split("|"))


@ends(errors.UnauthenticatedError)
async def without_a_token(scene: Scene) -> Told:
    """Call a gateway that takes tokens without one."""
    return Told(await scene.on(scene.world.guarded), {"problem": "missing"})


@ends(errors.KeysUnavailableError)
async def with_keys_away(scene: Scene) -> Told:
    """Bring a token that nobody can check."""
    refusal = await scene.on(scene.world.keyless.bearing(token()))
    return Told(refusal, retry_after_s=5.0)


@ends(errors.PermissionMissingError)
async def without_permission(scene: Scene) -> Told:
    """Bring a token that permits nothing."""
    refusal = await scene.on(scene.world.guarded.bearing(token(permissions=[])))
    takes = refusal.metadata["permission"]
    return Told(refusal, {"rpc": scene.rpc, "permission": takes})


@ends(errors.RateLimitedError)
async def too_often(scene: Scene) -> Told:
    """Call thrice at once, which the busiest machine may stretch to more than a second each."""
    tenant_id = f"t{uuid.uuid4().hex[:8]}"
    payload = {"tenant_id": tenant_id}

    async def refused() -> list[Refusal]:
        calls = (scene.world.hurried.send(scene.rpc, payload) for _ in range(3))
        ended = await asyncio.gather(*calls, return_exceptions=True)
        refusals = [it for it in ended if isinstance(it, Refusal)]
        return [it for it in refusals if it.reason == errors.RateLimitedError.reason]

    refusal, *_ = await until(refused, bool)
    wait_s = refusal.retry_after_s
    assert wait_s is not None
    assert 0 < wait_s <= 1
    metadata = {"limit": "rate", "allowed": "1", "tenant_id": tenant_id}
    return Told(refusal, metadata, retry_after_s=wait_s)


@ends(errors.TooManyCallsError)
async def too_much_in_hand(scene: Scene) -> Told:
    """Call while another call of the kind waits."""
    what, wait_s, occupying = {
        "WatchTask": ("watches", 5.0, "WatchTask"),
        "ExecuteCode": ("executions", 0.5, "ExecuteCode"),
    }.get(scene.rpc, ("calls", 0.5, "GetTaskStatus"))
    tenant = {"tenant_id": f"t{uuid.uuid4().hex[:8]}"}

    async def occupy() -> None:
        while True:  # until it is the one that has the place
            await scene.world.narrow.refused(occupying, VALID[occupying] | tenant)

    async def refused() -> Refusal:
        return await scene.on(scene.world.narrow, VALID[scene.rpc] | tenant, timeout=0.2)

    waiting = asyncio.create_task(occupy())
    try:
        refusal = await until(refused, lambda it: it.reason == errors.TooManyCallsError.reason)
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])
    metadata = {"limit": what, "allowed": "1", **tenant}
    return Told(refusal, metadata, retry_after_s=wait_s)


@ends(errors.TooManyExecutionsError)
async def with_code_open(scene: Scene) -> Told:
    """Run code while other code of the tenant goes on."""
    tenant = {"tenant_id": f"t{uuid.uuid4().hex[:8]}"}
    code = VALID["ExecuteCode"] | tenant | {"workflow_type": "execute_code"}
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_max_executions=1,
        gateway_temporal_timeout_s=20,
    )
    async with gateway(scene.client, settings) as port, connected(port) as caller:
        waiting = await caller.ask("StartWorkflow", code | {"code": "wait"})
        # A second after the last count the gateway counts anew, by what Temporal lists.
        await until(lambda: caller.ask("ListTasks", tenant), lambda page: page["tasks"])
        refusal = await scene.on(caller, code)
        await caller.ask("CancelTask", {"workflow_id": waiting["workflow_id"]})
    return Told(refusal, {**tenant, "allowed": "1"})


@ends(errors.InvalidRequestError)
async def with_a_wrong_envelope(scene: Scene) -> Told:
    """Send what is no unit."""
    message = context_unit_pb2.ContextUnit(unit_id="42", trace_id=str(uuid.uuid4()))
    refusal = await scene.world.open.refused(scene.rpc, message)
    problem = "must be a UUIDv4, such as 1b4e28ba-2fa1-4d2b-883f-0016d3cca427"
    return Told(refusal, violations={"unit_id": problem})


@ends(errors.ScopeMissingError)
async def without_the_scope(scene: Scene) -> Told:
    """Send a unit that only others may write."""
    security = SecurityScopes(write=["commerce:write"])
    unit = ContextUnit(payload=VALID[scene.rpc], security=security)
    refusal = await scene.world.guarded.bearing(token()).refused(scene.rpc, unit)
    return Told(refusal, {"scopes": "commerce:write"})


@ends(errors.TenantDeniedError)
async def for_another_tenant(scene: Scene) -> Told:
    """Name a tenant that is not the token's."""
    caller, payload = scene.world.guarded.bearing(token()), VALID[scene.rpc]
    if scene.rpc == "ListModules":
        rights = CallerRights(subject="alice", tenant_id="globex").model_dump_json().encode()
        refusal = await scene.on(caller, metadata=[(METADATA_KEY, rights)])
    else:
        refusal = await scene.on(caller, payload | {"tenant_id": "globex"})
    return Told(refusal, {"tenant_id": "globex"})


@ends(errors.UnknownWorkflowTypeError)
async def of_an_unknown_type(scene: Scene) -> Told:
    """Name a type that nobody serves."""
    refusal = await scene.on(scene.world.open, _starting(scene, "harvst"))
    known = refusal.metadata["known"]
    assert {"toy", "toy_plain"} <= set(known.split(","))
    return Told(refusal, {"workflow_type": "harvst", "known": known})


@ends(errors.RouteConflictError)
async def of_a_contested_type(scene: Scene) -> Told:
    """Name a type that two modules claim."""
    kind = scene.rpc.lower()
    announcement = _announcing(workflow_type=kind)
    claimants = [f"{kind}-{one}" for one in "ab"]
    for name in claimants:
        await deploy(scene.client, name, "dev", announcement.to_payload())
    # Temporal may list the one a moment before the other.
    await until(partial(_claims, scene.world.open, kind), lambda claims: claims == len(claimants))
    refusal = await scene.on(scene.world.open, _starting(scene, kind))
    return Told(refusal, {"workflow_type": kind, "modules": ",".join(claimants)})


@ends(errors.BrokenRouteError)
async def of_a_broken_route(scene: Scene) -> Told:
    """Name a type whose schema is none."""
    kind = f"broken_{scene.rpc.lower()}"
    announcement = _announcing(workflow_type=kind, payload_schema={"type": "nothing"})
    await deploy(scene.client, f"breaker-{scene.rpc.lower()}", "dev", announcement.to_payload())
    await until(partial(_claims, scene.world.open, kind), bool)
    refusal = await scene.on(scene.world.open, _starting(scene, kind))
    return Told(refusal, {"workflow_type": kind, "module": f"breaker-{scene.rpc.lower()}"})


@ends(errors.RunNotFoundError)
async def of_no_run(scene: Scene) -> Told:
    """Name a run that was never started."""
    workflow_id = VALID[scene.rpc]["workflow_id"]
    return Told(await scene.on(scene.world.open), {"workflow_id": workflow_id})


@ends(errors.ScheduleNotFoundError)
async def of_no_schedule(scene: Scene) -> Told:
    """Name a schedule that was never registered."""
    refusal = await scene.on(scene.world.open)
    return Told(refusal, {"tenant_id": "default", "schedule_id": "nothing"})


@ends(errors.NotOfferedError)
async def for_what_nobody_does(scene: Scene) -> Told:
    """Ask for what nothing here does."""
    return Told(await scene.on(scene.world.open, _starting(scene, "execute_nothing")))


@ends(errors.ExecutionFailedError)
async def that_fails_to_run(scene: Scene) -> Told:
    """Send code whose run fails."""
    refusal = await scene.on(scene.world.open, {"code": "fail"})
    named = {key: refusal.metadata[key] for key in ("workflow_id", "run_id")}
    return Told(refusal, named | {"status": "failed"})


@ends(errors.TemporalUnavailableError)
async def with_temporal_away(scene: Scene) -> Told:
    """Call a gateway whose Temporal is not there."""
    return Told(await scene.on(scene.world.alone), retry_after_s=2.0)


@ends(errors.TemporalBusyError)
async def with_temporal_busy(scene: Scene) -> Told:
    """Call a gateway whose Temporal asks to slow down."""
    return Told(await scene.on(scene.world.busy), retry_after_s=1.0)


@ends(errors.TemporalRefusedError)
async def with_temporal_refusing(scene: Scene) -> Told:
    """Call a gateway whose Temporal says that it is asked something invalid."""
    refusal = await scene.on(scene.world.refusing)
    return Told(refusal, {"temporal_code": "INVALID_ARGUMENT"})


@ends(errors.ReplyTooLargeError)
async def for_more_than_fits(scene: Scene) -> Told:
    """Make a call that succeeds, where no reply is small enough."""
    payload = await succeeding(scene.world.open, scene.rpc)
    scene.patch.setattr(interceptor, "MAX_REPLY_BYTES", 10)
    refusal = await scene.on(scene.world.open, payload)
    return Told(refusal, {"size": refusal.metadata["size"], "limit": "10"})


@ends(errors.UnreadableRunError)
async def without_the_key(scene: Scene) -> Told:
    """Call for a run, or schedule, whose scopes are as if encrypted with a key that is missing."""
    payload = await succeeding(scene.world.open, scene.rpc)
    for reader in (access, reading):
        scene.patch.setattr(reader, "scopes_of", partial(_raise, UnreadableError("no key")))
    return Told(await scene.on(scene.world.open, payload))


@ends(errors.StoreUnavailableError)
async def with_the_store_away(scene: Scene) -> Told:
    """Start what cannot be kept."""
    scene.patch.setattr(plan, "memo_of", partial(_raise, TransientError("no store")))
    return Told(await scene.on(scene.world.open), retry_after_s=2.0)


async def _raise(error: Exception, *_: object) -> None:
    raise error


@ends(errors.GatewayStoppingError)
async def with_the_gateway_stopping(scene: Scene) -> Told:
    """Stop the gateway in the middle of a call that lasts."""
    payload = await _one_run(scene.world.open, "wait", f"t{uuid.uuid4().hex[:8]}")
    async with AsyncExitStack() as stopping:
        # Without a grace gRPC cuts calls off, perhaps before they have said why they end.
        settings = GatewaySettings(
            port=0, gateway_shutdown_grace_s=30, gateway_temporal_timeout_s=20
        )
        async with connected(
            await stopping.enter_async_context(gateway(scene.client, settings))
        ) as it:
            call: Any = getattr(it.stub, scene.rpc)(ContextUnit(payload=payload).to_protobuf())
            replies = aiter(call)
            await anext(replies)
            await stopping.aclose()
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                [_ async for _ in replies]
    return Told(refusal_of(ended.value), retry_after_s=1.0)


@ends(errors.OutOfTimeError)
async def out_of_time(scene: Scene) -> Told:
    """Let the gateway notice first: it takes the deadline for one that has passed."""
    payload = await succeeding(scene.world.open, scene.rpc)
    scene.patch.setattr(interceptor, "within", lambda _: within(-1))
    return Told(await scene.on(scene.world.open, payload))


@ends((Code.DEADLINE_EXCEEDED, ""))
async def with_no_time_at_all(scene: Scene) -> Told:
    """Let the client notice first: the gateway is about something else."""
    scene.patch.setattr(Authenticator, "caller", lambda *_: asyncio.sleep(60))
    return Told(await scene.on(scene.world.open, timeout=0.1))


@ends((Code.RESOURCE_EXHAUSTED, ""))
async def with_too_large_a_request(scene: Scene) -> Told:
    """Send more than the gateway takes."""
    return Told(await scene.on(scene.world.open, {"text": "x" * (4 * 1024 * 1024)}))


@ends((Code.INTERNAL, "INTERNAL"))
async def with_a_fault(scene: Scene) -> Told:
    """Break the gateway."""
    scene.patch.setattr(requests, "ContextUnit", None)
    refusal = await scene.on(scene.world.open)
    return Told(refusal, {"incident": refusal.metadata["incident"]})


def _starting(scene: Scene, workflow_type: str) -> dict[str, Any]:
    payload = VALID[scene.rpc]
    if scene.rpc == "StartWorkflow":
        return payload | {"workflow_type": workflow_type}
    if scene.rpc == "ExecuteCode":
        scene.patch.setattr(executing, "EXECUTE_CODE", workflow_type)
        return payload
    [schedule] = payload["schedules"]
    return payload | {"schedules": [schedule | {"workflow_type": workflow_type}]}


async def _claims(caller: Caller, workflow_type: str) -> int:
    modules = (await caller.ask("ListModules", {}))["modules"]
    types = [route["workflow_type"] for module in modules for route in module["routes"]]
    return types.count(workflow_type)


def _announcing(**route: Any) -> Announcement:
    announced = Announcement.of(sleepers)
    return announced.model_copy(update={"routes": (announced.routes[0].model_copy(update=route),)})


async def succeeding(caller: Caller, rpc: str) -> dict[str, Any]:
    """Return a payload with which a call succeeds."""
    tenant_id = f"t{uuid.uuid4().hex[:8]}"
    payload, tenant = VALID[rpc], {"tenant_id": tenant_id}
    if "workflow_id" in payload:
        return await _one_run(caller, "wait" if rpc == "CancelTask" else "done", tenant_id)
    if "schedule_id" in payload:
        registering = VALID["RegisterSchedules"]
        await caller.ask("RegisterSchedules", registering | tenant)
        return payload | tenant | {"schedule_id": registering["schedules"][0]["schedule_id"]}
    return payload if rpc == "ListModules" else payload | tenant


async def _one_run(caller: Caller, supplier_code: str, tenant_id: str) -> dict[str, Any]:
    start = VALID["StartWorkflow"] | {"supplier_code": supplier_code, "tenant_id": tenant_id}
    return {"workflow_id": (await caller.ask("StartWorkflow", start))["workflow_id"]}


@pytest.mark.parametrize("rpc", RPCS)
async def test_every_reply_is_a_child_of_its_request(gateways: World, toys: None, rpc: str) -> None:
    """Its ids, its trace, its provenance and its scopes; of a stream, each unit."""
    request = ContextUnit(
        payload=await succeeding(gateways.open, rpc),
        provenance=["commerce:trigger", "commerce:retry"],
        security=SecurityScopes(read=["commerce:read"], write=["commerce:write"]),
    )

    replies = await gateways.open.replies(rpc, request)

    label = "gateway:" + "".join(f"_{it.lower()}" if it.isupper() else it for it in rpc).lstrip("_")
    assert replies
    assert len(replies) == 1 or rpc in STREAMING
    for reply in replies:
        assert request.unit_id == reply.parent_unit_id
        assert request.trace_id == reply.trace_id
        assert [*request.provenance, label] == reply.provenance
        assert request.security == reply.security
        assert request.modality == reply.modality
    assert len(replies) == len({reply.unit_id for reply in replies} - {request.unit_id})


def test_every_call_can_end_in_some_way() -> None:
    """A new RPC has to be thought through."""
    assert set(RPCS) == {rpc for ending in ENDINGS for rpc in ending.rpcs}
    assert set(RPCS) == set(VALID)


def test_every_error_is_in_the_table() -> None:
    """And nothing that is none."""
    known = {error.reason: error.code for error in _leaves(GatewayError)}

    listed = {ending.reason: ending.code for ending in ENDINGS if ending.reason != "INTERNAL"}
    listed.pop("")
    assert known == listed


def _leaves(error: type[GatewayError]) -> list[type[GatewayError]]:
    children = [leaf for child in error.__subclasses__() for leaf in _leaves(child)]
    return children or [error]


def test_every_ending_is_made_to_happen() -> None:
    """By a maker of its own, for each of its calls."""
    assert {ending.key for ending in ENDINGS} == set(MAKERS)


def test_the_readme_has_the_table() -> None:
    """It is written from the same list."""
    assert written() == README.read_text(), (
        "README.md is stale: run `uv run python services/gateway/tests/test-support/"
        "gateway_contract.py`, and change gateway_contract.py rather than the table"
    )
