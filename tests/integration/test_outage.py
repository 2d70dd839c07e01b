"""Temporal goes away under load and comes back: callers are told, and the gateway carries on."""

import asyncio
import itertools
import logging
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flood_module
import grpc
import pytest
from crowd import Crowd, unit_of
from one_address import one_address
from running_system import PATIENCE_S, System
from temporalio.client import Client

from contextcore import ContextUnit, worker_pb2_grpc
from contextworker.core.testing import TemporalServer

TENANT = "acme"
_log = logging.getLogger(__name__)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A Temporal server with a database, and a gateway that knows the flood's routes."""
    temporal = TemporalServer(database=tmp_path / "temporal.db")
    system = System(folder=tmp_path, brain_url="", temporal=temporal)
    system.temporal.start()
    try:
        system.start_gateway()
        system.start("worker", "python", flood_module.__file__, says="polls flood-tasks")
        system.kill("worker")
        yield system
    finally:
        system.close()


class Load:
    """Callers who start one run after another; each answer's time is kept."""

    def __init__(self, system: System) -> None:
        self.acknowledged_at: list[float] = []
        self._over = asyncio.Event()
        self.crowd = Crowd(
            f"127.0.0.1:{system.port}",
            callers=16,
            timeout_s=60,  # what callers are told is the gateway's word, not their own clock's
            on_answer=lambda _: self.acknowledged_at.append(time.monotonic()),
        )

    async def run(self) -> None:
        """Call until told to stop."""
        numbers = itertools.takewhile(lambda _: not self._over.is_set(), itertools.count())
        await self.crowd.start(unit_of("flood", TENANT, number) for number in numbers)

    def stop(self) -> None:
        """Let the calls in hand be the last."""
        self._over.set()

    async def until(self, number: int) -> None:
        """Wait for further answers."""
        wanted = len(self.acknowledged_at) + number
        async with asyncio.timeout(PATIENCE_S):
            while len(self.acknowledged_at) < wanted:
                await asyncio.sleep(0.02)

    def rate(self, since: float, until: float) -> float:
        """Return how many starts a second were acknowledged."""
        return sum(since <= moment < until for moment in self.acknowledged_at) / (until - since)


async def run_ids(client: Client) -> set[str]:
    """List the tenant's runs."""
    return {run.run_id async for run in client.list_workflows("WorkflowType = 'flood'")}


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [
        pytest.param(3, 50, id="quick"),
        pytest.param(30, 500, id="30 s", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
async def test_temporal_is_killed_under_load_and_comes_back(
    system: System, seconds: float, starts: int
) -> None:
    """Callers hear UNAVAILABLE and nothing else; what was acknowledged is there afterwards."""
    load = Load(system)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        await load.until(starts)
        began = time.monotonic()
        await load.until(starts)
        killed = time.monotonic()
        system.temporal.kill()
        while time.monotonic() < killed + seconds:  # the outage
            await asyncio.sleep(0.1)
        system.temporal.start()
        async with asyncio.timeout(PATIENCE_S):
            await system.temporal.answers()
        back = time.monotonic()
        await load.until(2 * starts)
        load.stop()

    _log.info(
        "starts per second before: %.0f; in each second after its return: %s; first after %.2f s",
        load.rate(began, killed),
        [round(load.rate(back + second, back + second + 1)) for second in range(6)],
        next(moment for moment in load.acknowledged_at if moment > back) - back,
    )
    client = await system.temporal.connect()
    acknowledged = {started.run_id for started in load.crowd.answers.values()}
    assert load.crowd.refusals
    assert {grpc.StatusCode.UNAVAILABLE} == {error.code() for error in load.crowd.refusals}
    assert len(acknowledged) == len(load.crowd.answers)
    async with asyncio.timeout(PATIENCE_S):  # until Temporal's list has them all
        while len(found := await run_ids(client)) < len(acknowledged):
            await asyncio.sleep(0.1)
    assert acknowledged == found
    assert system.processes["gateway"].poll() is None


@pytest.mark.slow
async def test_a_connection_that_went_silent_is_given_up(tmp_path: Path) -> None:
    """As when Temporal's machine is gone: nobody closes the connection, and a new one is needed."""
    system = System(folder=tmp_path, brain_url="", temporal=TemporalServer())
    system.temporal.start()
    try:
        async with one_address([system.temporal.port]) as way:
            settings = {
                "TEMPORAL_ADDRESS": way.address,
                "CONTEXTWORKER_GATEWAY_TEMPORAL_TIMEOUT_S": "5",
            }
            system.start("gateway", "gateway", says="gateway listening on", **settings)
            async with grpc.aio.insecure_channel(f"127.0.0.1:{system.port}") as channel:
                await until_answered(channel)
                way.silence()
                # It takes 20 s at most, and the SDK's own choice 45.
                async with asyncio.timeout(40):
                    told = await until_answered(channel)
    finally:
        system.close()

    assert {grpc.StatusCode.UNAVAILABLE} == told


async def until_answered(channel: grpc.aio.Channel) -> set[grpc.StatusCode]:
    """Ask for a run that there is not until Temporal says so; returns what was told before."""
    stub: Any = worker_pb2_grpc.WorkerServiceStub(channel)
    look = ContextUnit(payload={"workflow_id": "flood-acme-1"}).to_protobuf()
    told: set[grpc.StatusCode] = set()
    while True:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.GetTaskStatus(look, timeout=20)
        if refused.value.code() == grpc.StatusCode.NOT_FOUND:
            return told
        told.add(refused.value.code())


@pytest.fixture
def narrow_system(tmp_path: Path) -> Iterator[System]:
    """A gateway with one slot per tenant, which waits for Temporal as long as its caller does."""
    system = System(folder=tmp_path, brain_url="", temporal=TemporalServer())
    system.temporal.start()
    try:
        settings = {
            "CONTEXTWORKER_GATEWAY_MAX_CONCURRENT_CALLS": "1",
            "CONTEXTWORKER_GATEWAY_TEMPORAL_TIMEOUT_S": "100",
            "CONTEXTWORKER_GATEWAY_SHUTDOWN_GRACE_S": "100",  # more than a test takes
        }
        system.start("gateway", "gateway", says="gateway listening on", **settings)
        yield system
    finally:
        system.close()


class Patient:
    """Callers who ask for a run that there is not, at a gateway with one slot."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = worker_pb2_grpc.WorkerServiceStub(channel)

    def ask(self, seconds: float) -> Any:
        """Begin a call."""
        look = ContextUnit(payload={"workflow_id": "flood-acme-1"}).to_protobuf()
        return self._stub.GetTaskStatus(look, timeout=seconds)

    async def until(self, wanted: grpc.StatusCode) -> None:
        """Make short calls until one ends as wanted."""
        while wanted != await code_of(self.ask(0.2)):
            pass

    async def hanging(self) -> Any:
        """Begin a call that takes the slot and gets no answer."""
        call = self.ask(60)
        while grpc.StatusCode.RESOURCE_EXHAUSTED != await code_of(self.ask(0.2)) or call.done():
            if call.done():  # it came second
                call = self.ask(60)
        return call


async def code_of(call: Any) -> grpc.StatusCode:
    """Wait for the end of a call."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code()


async def test_a_caller_who_leaves_while_temporal_hangs_frees_the_slot(
    narrow_system: System,
) -> None:
    """Temporal is there but answers nothing; the only slot goes to whoever comes next."""
    temporal = narrow_system.temporal._process
    assert temporal
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{narrow_system.port}") as channel,
        asyncio.timeout(PATIENCE_S),
    ):
        callers = Patient(channel)
        await callers.until(grpc.StatusCode.NOT_FOUND)
        temporal.send_signal(signal.SIGSTOP)
        waiting = await callers.hanging()

        waiting.cancel()

        await callers.until(grpc.StatusCode.DEADLINE_EXCEEDED)
        temporal.send_signal(signal.SIGCONT)
        await callers.until(grpc.StatusCode.NOT_FOUND)


async def test_a_call_in_hand_is_answered_by_a_gateway_that_stops(narrow_system: System) -> None:
    """After SIGTERM nobody new is let in, and who is in has the grace period."""
    temporal = narrow_system.temporal._process
    assert temporal
    address = f"127.0.0.1:{narrow_system.port}"
    async with grpc.aio.insecure_channel(address) as channel, asyncio.timeout(PATIENCE_S):
        callers = Patient(channel)
        await callers.until(grpc.StatusCode.NOT_FOUND)
        temporal.send_signal(signal.SIGSTOP)
        waiting = await callers.hanging()

        narrow_system.processes["gateway"].terminate()

        await callers.until(grpc.StatusCode.UNAVAILABLE)
        temporal.send_signal(signal.SIGCONT)
        assert grpc.StatusCode.NOT_FOUND == await code_of(waiting)
    assert 0 == await asyncio.to_thread(narrow_system.processes["gateway"].wait, PATIENCE_S)
