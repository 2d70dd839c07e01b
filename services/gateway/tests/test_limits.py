"""One tenant's calls leave room for the others', and a slot is free again however a call ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from gateway_calls import Caller, Refusal, connected, refusal_of, until
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.connection import connect
from contextworker.core.errors import ConfigurationError
from contextworker.gateway.identity.caller import ANONYMOUS
from contextworker.gateway.identity.caller import Caller as Identity
from contextworker.gateway.limits.attribution import share_of
from contextworker.gateway.limits.limiter import Limiter
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
LOOK = {"workflow_id": "x"}


@asynccontextmanager
async def limited(client: Client, **settings: Any) -> AsyncIterator[Caller]:
    """Call a gateway with limits of its own."""
    patient = {"gateway_temporal_timeout_s": 60}  # the machine may be busy
    all_settings = GatewaySettings(port=0, gateway_shutdown_grace_s=0, **patient | settings)
    async with gateway(client, all_settings) as port, connected(port) as caller:
        yield caller


@asynccontextmanager
async def hanging(**settings: Any) -> AsyncIterator[Caller]:
    """Call a gateway whose Temporal takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        client = await connect(lazy=True, environment={"TEMPORAL_ADDRESS": address})
        async with limited(
            client, versioning=False, gateway_temporal_timeout_s=100, **settings
        ) as caller:
            yield caller


async def in_hand(caller: Caller, tenant_id: str, number: int, seconds: float = 60) -> list[Any]:
    """Make calls that are never answered, until they have taken every slot of a tenant."""
    calls: list[Any] = []

    async def one_more() -> Refusal:
        calls[:] = [call for call in calls if not call.done()]  # one may have come too late
        while len(calls) < number:
            request = ContextUnit(payload=LOOK | {"tenant_id": tenant_id}).to_protobuf()
            calls.append(caller.stub.GetTaskStatus(request, timeout=seconds))
        return await brief(caller, tenant_id)

    await until(
        one_more, lambda refusal: refused(refusal) and not any(call.done() for call in calls)
    )
    return calls


async def brief(caller: Caller, tenant_id: str, *, seconds: float = 0.2) -> Refusal:
    """Make a call that gives up soon; it is refused, or its deadline passes."""
    return await caller.refused("GetTaskStatus", LOOK | {"tenant_id": tenant_id}, timeout=seconds)


def refused(refusal: Refusal) -> bool:
    """Tell whether a quota refused."""
    return refusal.code == EXHAUSTED


def let_in(refusal: Refusal) -> bool:
    """Tell whether a call got as far as Temporal."""
    return refusal.code == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_who_calls_too_often_is_told_when_to_come_back(temporal_client: Client) -> None:
    """The flood's tenant is held to its rate; another's call gets in, and so does a patient one."""
    async with limited(temporal_client, gateway_rate_per_s=2) as caller:
        flood = await asyncio.gather(
            *(caller.refused("GetTaskStatus", LOOK | {"tenant_id": "a"}) for _ in range(40))
        )
        other = await caller.refused("GetTaskStatus", LOOK | {"tenant_id": "b"})
        held = [refusal for refusal in flood if refused(refusal)]
        await until(
            lambda: caller.refused("GetTaskStatus", LOOK | {"tenant_id": "a"}),
            lambda refusal: refusal.code == grpc.StatusCode.NOT_FOUND,
        )

    assert 2 <= len(flood) - len(held) < 40
    assert grpc.StatusCode.NOT_FOUND == other.code
    assert {"RATE_LIMITED"} == {refusal.reason for refusal in held}
    assert {"limit": "rate", "allowed": "2", "tenant_id": "a"} == held[0].metadata
    assert held[0].message.startswith("the tenant 'a' may call this gateway 2 times a second, and ")
    assert all(refusal.retry_after_s and 0 < refusal.retry_after_s <= 0.5 for refusal in held)


async def test_a_tenant_has_only_so_many_calls_in_hand() -> None:
    """Its next one is refused, another tenant's is not."""
    async with hanging(gateway_max_concurrent_calls=2) as caller:
        calls = await in_hand(caller, "a", 2)
        refusal = await brief(caller, "a", seconds=10)
        other = await brief(caller, "b")
        for call in calls:
            call.cancel()

    assert "TOO_MANY_CALLS" == refusal.reason
    assert {"limit": "calls", "allowed": "2", "tenant_id": "a"} == refusal.metadata
    assert 0.5 == refusal.retry_after_s
    assert refusal.message.startswith("the tenant 'a' has 2 calls in hand at this gateway, as many")
    assert let_in(other)


async def test_a_client_that_cancels_frees_its_slot() -> None:
    """Work for nobody must not keep others out."""
    async with hanging(gateway_max_concurrent_calls=1) as caller:
        [call] = await in_hand(caller, "a", 1)

        call.cancel()

        await until(lambda: brief(caller, "a"), let_in)


async def test_a_client_whose_deadline_passes_frees_its_slot() -> None:
    """The gateway stops when the caller does, though Temporal may take its time."""
    async with hanging(gateway_max_concurrent_calls=1) as caller:
        [call] = await in_hand(caller, "a", 1, seconds=2)

        with pytest.raises(grpc.aio.AioRpcError):
            await call

        await until(lambda: brief(caller, "a"), let_in)


async def test_a_client_that_vanishes_frees_its_slot() -> None:
    """A connection that is gone ends the calls it carried."""
    async with hanging(gateway_max_concurrent_calls=1) as caller:
        async with connected(caller.port) as vanishing:
            [call] = await in_hand(vanishing, "a", 1)
        assert call.done()

        await until(lambda: brief(caller, "a"), let_in)


async def test_a_tenant_follows_only_so_many_runs(temporal_client: Client, toys: None) -> None:
    """A watch lasts as long as its run, so it has a quota of its own; who leaves frees a place."""
    async with limited(temporal_client, gateway_max_watches=1) as caller:
        started = await caller.ask(
            "StartWorkflow", {"workflow_type": "toy", "supplier_code": "wait", "tenant_id": "w"}
        )
        look = {"workflow_id": started["workflow_id"], "tenant_id": "w"}
        request = ContextUnit(payload=look).to_protobuf()

        async def watch() -> tuple[Any, Refusal | None]:
            stream = caller.stub.WatchTask(request, timeout=60)
            try:
                assert await stream.read()
            except grpc.aio.AioRpcError as error:
                return stream, refusal_of(error)
            return stream, None

        first, nothing = await watch()
        _, refusal = await watch()
        answer = await caller.ask("GetTaskStatus", look)
        first.cancel()
        second, _ = await until(watch, lambda watched: watched[1] is None)
        second.cancel()
        await temporal_client.get_workflow_handle(started["workflow_id"]).terminate()

    assert nothing is None
    assert refusal
    assert (EXHAUSTED, "TOO_MANY_CALLS", 5.0) == (
        refusal.code,
        refusal.reason,
        refusal.retry_after_s,
    )
    assert {"limit": "watches", "allowed": "1", "tenant_id": "w"} == refusal.metadata
    assert started["workflow_id"] == answer["workflow_id"]


async def test_a_gateway_that_stops_sends_its_watchers_elsewhere(
    temporal_client: Client, toys: None
) -> None:
    """The stream ends at once, not when the grace is over, and says that another can be asked."""
    settings = GatewaySettings(port=0, gateway_shutdown_grace_s=100, gateway_temporal_timeout_s=20)
    async with AsyncExitStack() as clients, asyncio.timeout(50):
        async with gateway(temporal_client, settings) as port:
            caller = await clients.enter_async_context(connected(port))
            started = await caller.ask(
                "StartWorkflow", {"workflow_type": "toy", "supplier_code": "wait", "tenant_id": "x"}
            )
            request = ContextUnit(payload={"workflow_id": started["workflow_id"]}).to_protobuf()
            replies = aiter(caller.stub.WatchTask(request, timeout=100))
            await anext(replies)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            [_ async for _ in replies]  # the run may have gone on before the gateway stopped
    await temporal_client.get_workflow_handle(started["workflow_id"]).terminate()

    refusal = refusal_of(ended.value)
    assert (grpc.StatusCode.UNAVAILABLE, "GATEWAY_STOPPING") == (refusal.code, refusal.reason)


async def test_without_limits_nothing_is_refused(temporal_client: Client) -> None:
    """0 is no limit."""
    none = {"gateway_rate_per_s": 0, "gateway_max_concurrent_calls": 0, "gateway_max_watches": 0}
    async with limited(temporal_client, **none) as caller:
        answers = await asyncio.gather(*(caller.refused("GetTaskStatus", LOOK) for _ in range(300)))

    assert {grpc.StatusCode.NOT_FOUND} == {refusal.code for refusal in answers}


@pytest.mark.parametrize(
    ("tenants", "payload", "expected"),
    [
        pytest.param(None, {"tenant_id": "a"}, "the tenant 'a'", id="named"),
        pytest.param(None, {}, "the caller 'me'", id="none named"),
        pytest.param(None, {"tenant_id": 1}, "the caller 'me'", id="no text"),
        pytest.param(None, {"tenant_id": ["a"]}, "the caller 'me'", id="a list"),
        pytest.param(None, {"tenant_id": ""}, "the caller 'me'", id="empty"),
        pytest.param(None, {"tenant_id": "a" * 65}, "the caller 'me'", id="too long"),
        pytest.param({"a"}, {}, "the tenant 'a'", id="the only one"),
        pytest.param({"a"}, {"tenant_id": "b"}, "the tenant 'a'", id="a foreign one"),
        pytest.param({"a", "b"}, {"tenant_id": "b"}, "the tenant 'b'", id="one of its own"),
        pytest.param({"a", "b"}, {"tenant_id": "c"}, "the caller 'me'", id="none of its own"),
        pytest.param({"a", "b"}, {}, "the caller 'me'", id="several"),
        pytest.param(set(), {"tenant_id": "a"}, "the caller 'me'", id="without tenants"),
    ],
)
def test_a_call_counts_against_whoever_it_is_for(
    tenants: set[str] | None, payload: dict[str, Any], expected: str
) -> None:
    """Nobody can use up the share of a tenant that is not theirs."""
    caller = Identity("me", None if tenants is None else frozenset(tenants))

    share = share_of(ContextUnit(payload=payload).to_protobuf(), caller)

    assert expected == str(share)


def test_no_memory_is_kept_of_calls_that_ended() -> None:
    """A caller of every tenant may name any number of them."""
    limiter = Limiter(GatewaySettings(gateway_rate_per_s=1))

    for number in range(20_000):
        unit = ContextUnit(payload={"tenant_id": f"t{number}"})
        with limiter.slot("GetTaskStatus", unit.to_protobuf(), ANONYMOUS):
            pass

    assert limiter._calls
    assert not limiter._calls._taken
    assert limiter._rate
    store: Any = limiter._rate._throttled._store
    assert 10_000 == len(store._backend.get_client())


@pytest.mark.parametrize(
    "name",
    ["RATE_PER_S", "MAX_CONCURRENT_CALLS", "MAX_WATCHES", "MAX_CONNECTION_AGE_S", "EXECUTE_WAIT_S"],
)
def test_a_limit_below_zero_is_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It names the variable."""
    monkeypatch.setenv(f"CONTEXTWORKER_GATEWAY_{name}", "-1")

    with pytest.raises(ConfigurationError, match=f"CONTEXTWORKER_GATEWAY_{name}: Input should be"):
        GatewaySettings()
