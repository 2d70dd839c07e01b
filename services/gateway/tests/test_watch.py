"""WatchTask: every change of a run, until it has closed."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import pytest
from gateway_calls import Caller, connected, refusal_of, until
from gateway_deployments import deploy, until_announced
from gateway_strangers import unwatched
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.announcement import Announcement
from contextworker.core.testing import TemporalServer, temporal_server
from contextworker.gateway.identity.caller import ANONYMOUS, use_caller
from contextworker.gateway.runs.access import AskedRun
from contextworker.gateway.runs.feed import what_matters
from contextworker.gateway.runs.state.status import StatusReader
from contextworker.gateway.runs.watching import Watches
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings
from contextworker.gateway.task_queues import Queues
from contextworker.gateway.temporal import Temporal

Answer = dict[str, Any]
# Patient: Temporal answers late, and streams end late, where the machine is busy.
SETTINGS = GatewaySettings(
    port=0,
    gateway_shutdown_grace_s=30,
    gateway_route_refresh_min_s=0.1,
    gateway_temporal_timeout_s=10,
)
WITHIN_S = 60


async def start(caller: Caller, supplier: str = "wait", **more: Any) -> Answer:
    """Start a run of this test's own tenant."""
    payload = {
        "workflow_type": "toy",
        "supplier_code": supplier,
        "tenant_id": f"t{uuid.uuid4().hex[:8]}",
    }
    started: Answer = await caller.ask("StartWorkflow", payload | more)
    return started


class Watching:
    """A stream of a run's states, all of which it keeps."""

    def __init__(self, caller: Caller, workflow_id: str) -> None:
        self.seen: list[Answer] = []
        self._news = asyncio.Event()
        unit = ContextUnit(payload={"workflow_id": workflow_id})
        self.call = caller.stub.WatchTask(unit.to_protobuf(), timeout=100)
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.call:
            self.seen.append(ContextUnit.from_protobuf(message).payload)
            self._news.set()

    async def when(self, wanted: Callable[[Answer], bool]) -> Answer:
        """Wait for a state."""
        async with asyncio.timeout(WITHIN_S):
            while not any(wanted(state) for state in self.seen):
                self._news.clear()
                await self._news.wait()
        return next(state for state in self.seen if wanted(state))

    async def last(self) -> Answer:
        """Wait for the end of the stream."""
        async with asyncio.timeout(WITHIN_S):
            await self.reading
        return self.seen[-1]


async def test_a_working_run_is_followed_to_its_end(caller: Caller, toys: None) -> None:
    """At once, at each change, and no state twice; the last is what GetTaskStatus tells."""
    started = await start(caller, "count")

    watching = Watching(caller, started["workflow_id"])
    last = await watching.last()

    told = [state["progress"] for state in watching.seen if "progress" in state]
    done = [progress["done"] for progress in told if progress["stage"] == "count"]
    assert sorted(done) == done
    assert len(set(done)) > 2
    assert {"queued", "running"} >= {state["status"] for state in watching.seen[:-1]}
    assert "completed" == last["status"]
    assert last == await caller.status(started["workflow_id"])
    matters = [what_matters(state) for state in watching.seen]
    assert all(one != other for one, other in pairwise(matters))


async def test_a_closed_run_is_told_once(caller: Caller, toys: None) -> None:
    """So that who comes back after the end has it, too."""
    started = await start(caller, "done")
    await caller.status_when(started["workflow_id"], lambda it: it["status"] == "completed")
    unit = ContextUnit(payload={"workflow_id": started["workflow_id"]}, provenance=["shop:watch"])

    [reply] = await caller.replies("WatchTask", unit)

    assert "completed" == reply.payload["status"]
    assert unit.unit_id == reply.parent_unit_id
    assert ["shop:watch", "gateway:watch_task"] == reply.provenance


async def test_a_run_that_continues_as_new_is_followed(caller: Caller, toys: None) -> None:
    """The stream goes on with the next run of the chain."""
    started = await start(caller, "continue_and_wait")

    watching = Watching(caller, started["workflow_id"])
    await watching.when(lambda it: it["run_id"] != started["run_id"])
    await caller.ask("CancelTask", {"workflow_id": started["workflow_id"]})
    last = await watching.last()

    assert "cancelled" == last["status"]


async def test_a_failing_activity_is_a_change(caller: Caller, toys: None) -> None:
    """What it failed with, and that it is tried again."""
    started = await start(caller, "transient")

    watching = Watching(caller, started["workflow_id"])
    state = await watching.when(lambda it: "error" in it)
    watching.call.cancel()
    await asyncio.wait({watching.reading})

    assert "the feed's server does not answer" == state["error"]["message"]


async def test_steps_are_told_as_they_are_taken(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """Each is a change; a run that keeps no count of any has none in its progress."""
    payload = {"workflow_type": "execute_code", "code": "wait"}
    started = await caller.ask("StartWorkflow", payload)
    run = temporal_client.get_workflow_handle(started["workflow_id"])

    watching = Watching(caller, started["workflow_id"])
    for detail in ("one", "two"):
        await run.signal("step", args=[detail, 1])
        steps = (await watching.when(_has_step(detail)))["progress"]["steps"]
    await run.signal("finish")
    last = await watching.last()

    wait_for = {"name": "wait_for", "status": "running"}
    assert [wait_for | {"detail": "one"}, wait_for | {"detail": "two"}] == steps
    assert "completed" == last["status"]


def _has_step(detail: str) -> Callable[[Answer], bool]:
    return lambda it: any(
        step["detail"] == detail for step in it.get("progress", {}).get("steps", [])
    )


@asynccontextmanager
async def watches(client: Client) -> AsyncIterator[Watches]:
    """The gateway's part that follows runs, for a caller with every tenant."""
    temporal = Temporal(client, timeout_s=20)
    with use_caller(ANONYMOUS):
        yield Watches(temporal, StatusReader(temporal, Queues(temporal)))


async def test_two_hundred_followers_of_one_run_share_its_feed(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """All of them are told of its end, and then nobody reads it any more."""
    started = await start(caller)

    async def follow(watched: Watches) -> Answer:
        async with aclosing(watched.watch(AskedRun(started["workflow_id"]))) as states:
            return [state async for state in states][-1]

    async with watches(temporal_client) as watched:
        followers = [asyncio.create_task(follow(watched)) for _ in range(200)]
        await until(_followers(watched), lambda count: count == 200, timeout_s=WITHIN_S)
        feeds = watched.runs
        await temporal_client.get_workflow_handle(started["workflow_id"]).signal("finish")
        ends = await asyncio.gather(*followers)

        assert 1 == feeds
        assert {"completed"} == {end["status"] for end in ends}
        assert 0 == watched.runs


def _followers(watched: Watches) -> Any:
    async def count() -> int:
        return sum(feed.followers for feed in watched._feeds.values())

    return count


async def test_two_hundred_callers_watch_one_run(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """Over the wire, each to the end."""
    started = await start(caller)

    watching = [Watching(caller, started["workflow_id"]) for _ in range(200)]
    await asyncio.gather(*(it.when(lambda state: True) for it in watching))
    await temporal_client.get_workflow_handle(started["workflow_id"]).signal("finish")
    ends = await asyncio.gather(*(it.last() for it in watching))

    assert {"completed"} == {end["status"] for end in ends}


async def test_who_has_gone_is_not_read_for(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """The last follower's leaving ends the reading, however it leaves."""
    started = await start(caller)

    async def follow(watched: Watches) -> None:
        async for _ in watched.watch(AskedRun(started["workflow_id"])):
            pass

    async with watches(temporal_client) as watched:
        followers = [asyncio.create_task(follow(watched)) for _ in range(2)]
        await until(_followers(watched), lambda count: count == 2)
        for follower in followers:
            follower.cancel()
        await asyncio.wait(followers)
        await until(_followers(watched), lambda count: count == 0)

        assert 0 == watched.runs


async def test_a_gateway_that_stops_says_so(temporal_client: Client, toys: None) -> None:
    """At once, and in a way that a client knows to ask another one."""
    stack = AsyncExitStack()
    port = await stack.enter_async_context(gateway(temporal_client, SETTINGS))
    async with connected(port) as caller:
        await until_announced(caller, name="toys")
        started = await start(caller)
        watching = Watching(caller, started["workflow_id"])
        await watching.when(lambda state: True)

        await stack.aclose()

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await watching.last()
    refusal = refusal_of(ended.value)
    assert (grpc.StatusCode.UNAVAILABLE, "GATEWAY_STOPPING") == (refusal.code, refusal.reason)
    assert refusal.retry_after_s is not None


@asynccontextmanager
async def unserved_run(tmp_path: Path) -> AsyncIterator[tuple[TemporalServer, Caller, str]]:
    """A run that waits for a worker, on a Temporal that may be stopped."""
    async with temporal_server(database=tmp_path / "temporal.db") as server:
        client = await server.connect()
        await deploy(client, "unwatched", "1", Announcement.of(unwatched).to_payload())
        async with gateway(client, SETTINGS) as port, connected(port) as caller:
            await until_announced(caller, name="unwatched")
            yield server, caller, (await start(caller, workflow_type="unwatched"))["workflow_id"]


async def test_an_outage_of_temporal_does_not_end_the_stream(tmp_path: Path) -> None:
    """The follower hears nothing of it, and then goes on."""
    async with unserved_run(tmp_path) as (server, caller, workflow_id):
        watching = Watching(caller, workflow_id)
        await watching.when(lambda it: it["status"] == "queued")
        server.kill()
        await until(
            lambda: caller.refused("GetTaskStatus", {"workflow_id": workflow_id}),
            lambda refusal: refusal.code is grpc.StatusCode.UNAVAILABLE,
        )
        server.start()
        await server.answers()
        client = await server.connect()
        await client.get_workflow_handle(workflow_id).terminate(reason="enough")
        last = await watching.last()

    assert ("terminated", "the run was terminated: enough") == (last["status"], last["reason"])


async def test_a_long_outage_ends_the_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As unavailable: who follows may ask again."""
    monkeypatch.setattr("contextworker.gateway.runs.feed._PATIENCE_S", 0.1)
    async with unserved_run(tmp_path) as (server, caller, workflow_id):
        watching = Watching(caller, workflow_id)
        await watching.when(lambda it: it["status"] == "queued")
        server.kill()

        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await watching.last()

    refusal = refusal_of(ended.value)
    assert (grpc.StatusCode.UNAVAILABLE, "TEMPORAL_UNAVAILABLE") == (refusal.code, refusal.reason)


async def test_times_that_always_move_are_no_change(
    caller: Caller, toys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An activity that only says that it lives has said nothing new."""
    monkeypatch.setattr("contextworker.gateway.runs.feed._LONGEST_PAUSE_S", 0.1)
    started = await start(caller, "work")
    watching = Watching(caller, started["workflow_id"])
    state = await watching.when(lambda it: it.get("progress", {}).get("done") == 7)

    for _ in range(2):
        state = await caller.status_when(started["workflow_id"], _later_beat_than(state))
    await caller.ask("CancelTask", {"workflow_id": started["workflow_id"]})
    await watching.last()

    # More than one, where the machine is so busy that the activity is given up and tried again.
    told = [_without_beats(state) for state in watching.seen]
    assert all(one != other for one, other in pairwise(told))


def _later_beat_than(state: Answer) -> Callable[[Answer], bool]:
    return lambda later: _beat(later) > _beat(state)


def _beat(state: Answer) -> str:
    return max(
        (str(it.get("last_heartbeat_at", "")) for it in state["pending_activities"]), default=""
    )


def _without_beats(state: Answer) -> Answer:
    still = [
        {name: value for name, value in it.items() if name != "last_heartbeat_at"}
        for it in state["pending_activities"]
    ]
    return {**state, "pending_activities": still}


async def test_temporal_tells_of_the_end_without_being_asked_again(
    caller: Caller, toys: None, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However seldom the run is read: who waits for the end has it at once."""
    monkeypatch.setattr("contextworker.gateway.runs.feed._FIRST_PAUSE_S", 3600)
    monkeypatch.setattr("contextworker.gateway.runs.feed._LONGEST_PAUSE_S", 3600)
    started = await start(caller)
    watching = Watching(caller, started["workflow_id"])
    await watching.when(lambda state: True)

    await temporal_client.get_workflow_handle(started["workflow_id"]).signal("finish")
    last = await watching.last()

    assert "completed" == last["status"]
