"""Whatever is sent, the gateway answers, or refuses as its table of errors says."""

import concurrent.futures
import logging
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import gateway_toys
import grpc
import psutil
import pytest
import pytest_asyncio
from gateway_calls import Caller, connected, until
from gateway_contract import ENDINGS, STREAMING
from gateway_fuzz import Shot, shots
from gateway_tokens import SECRET
from gateway_world import VALID, token
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped] # no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # no py.typed
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contextcore import ContextUnit, context_unit_pb2
from contextworker.core.testing import temporal_server

_log = logging.getLogger(__name__)
_IN_FLIGHT = 8
_MIB = 1024 * 1024
_MOST_REQUEST = 4 * _MIB
_MOST_METADATA = 4 * 1024
_MOST_GROWTH = 1.25
_LONGEST_S = 1800
# Temporal is there and has time, and the gateway serves one caller: here, these would be lies.
_LIES = {
    ("INTERNAL", "INTERNAL"),
    ("UNAVAILABLE", "TEMPORAL_UNAVAILABLE"),
    ("UNAVAILABLE", "KEYS_UNAVAILABLE"),
    ("UNAVAILABLE", "GATEWAY_STOPPING"),
    ("FAILED_PRECONDITION", "TEMPORAL_REFUSED"),
    ("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS"),
    ("RESOURCE_EXHAUSTED", "TOO_MANY_EXECUTIONS"),
    ("RESOURCE_EXHAUSTED", "RATE_LIMITED"),
}
_ALLOWED = {
    (rpc, *ending.key) for ending in ENDINGS for rpc in ending.rpcs if ending.key not in _LIES
}
_AWAY = "UNAVAILABLE 'TEMPORAL_UNAVAILABLE'"


@dataclass
class Range:
    """A gateway to shoot at, in a process of its own."""

    port: int
    process: psutil.Process
    log: Path
    workflow_ids: list[str]
    page_tokens: list[str]
    bearers: list[str]
    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self._threads = concurrent.futures.ThreadPoolExecutor(_IN_FLIGHT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        self._channel.close()

    @property
    def memory(self) -> int:
        """Bytes that the gateway keeps in memory."""
        return int(self.process.memory_info().rss)

    def fire(self, volley: list[Shot]) -> None:
        """Make some calls at once; none may end in a way that the table does not have."""
        problems = list(self._threads.map(self._shoot, volley))
        for shot, problem in zip(volley, problems, strict=True):
            # Temporal ends connections that are minutes old, and the busiest machine its answers:
            # the caller is told to try again.
            away = problem is not None and _AWAY in problem
            end = self._shoot(shot) if away else problem
            assert end is None, f"{end}\n{shot}\n{self.log.read_text()[-3000:]}"

    def _shoot(self, shot: Shot) -> str | None:
        path = f"/contextworker.WorkerService/{shot.rpc}"
        kind = self._channel.unary_stream if shot.rpc in STREAMING else self._channel.unary_unary
        method: Any = kind(path)
        try:
            call = method(shot.data, timeout=shot.timeout, metadata=shot.metadata)
            reply = call
            if shot.rpc in STREAMING:
                reply = next(call)
                call.cancel()
        except grpc.RpcError as error:
            return self._wrong_end(shot, error)
        self.outcomes[shot.rpc, "OK", ""] += 1
        return _wrong_reply(shot, reply)

    def _wrong_end(self, shot: Shot, error: Any) -> str | None:
        code, reason = error.code().name, _reason(error)
        self.outcomes[shot.rpc, code, reason] += 1
        told = f"{shot.rpc} ended with {code} {reason!r}: {error.details()}"
        if (shot.rpc, code, reason) not in _ALLOWED:
            return told
        if code == "DEADLINE_EXCEEDED" and not shot.is_hurried:
            return f"{told}, although it had time"
        metadata = sum(len(key) + len(value) for key, value in shot.metadata)
        if (code, reason) == ("RESOURCE_EXHAUSTED", "") and (
            len(shot.data) <= _MOST_REQUEST and metadata <= _MOST_METADATA
        ):
            return f"{told}, although it is small"
        return None


def _reason(error: Any) -> str:
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    info = ErrorInfo()
    found = [info.reason for it in Status.FromString(details).details if it.Unpack(info)]
    return str(found[0]) if found else ""


def _wrong_reply(shot: Shot, data: bytes) -> str | None:
    reply = ContextUnit.from_protobuf(context_unit_pb2.ContextUnit.FromString(data))
    request = ContextUnit.from_protobuf(context_unit_pb2.ContextUnit.FromString(shot.data))
    related = (reply.parent_unit_id, reply.trace_id) == (request.unit_id, request.trace_id)
    extended = reply.provenance[:-1] == request.provenance
    return None if related and extended else f"{shot.rpc} was answered with {reply}"


@contextmanager
def process(log: Path, *program: str, **variables: str) -> Iterator[psutil.Process]:
    """Run a Python program that writes to a log."""
    with log.open("w") as file:
        running = subprocess.Popen(
            [sys.executable, *program], env=os.environ | variables, stderr=file, stdout=file
        )
    try:
        yield psutil.Process(running.pid)
    finally:
        running.kill()
        running.wait()


@asynccontextmanager
async def shooting_range(folder: Path, *, guarded: bool) -> AsyncIterator[Range]:
    """Run a gateway with a Temporal and a worker of its own, and some runs to ask for."""
    toys = Path(gateway_toys.__file__)
    secret = {"CONTEXTWORKER_GATEWAY_AUTH_SECRET": SECRET} if guarded else {}
    async with AsyncExitStack() as stack:
        temporal = await stack.enter_async_context(temporal_server())
        often = {"CONTEXTWORKER_GATEWAY_ROUTE_REFRESH_MIN_S": "0.2"}
        patient = {"CONTEXTWORKER_GATEWAY_TEMPORAL_TIMEOUT_S": "20"}  # with a busy machine
        start = {**temporal.environment, "WORKER_PORT": "0", **often, **patient, **secret}
        stack.enter_context(process(folder / "worker.log", str(toys), **start))
        log = folder / "gateway.log"
        it = stack.enter_context(process(log, "-m", "contextworker.gateway", **start))

        async def listening() -> re.Match[str] | None:
            return re.search(r'gateway listening on 127\.0\.0\.1:(\d+)"', log.read_text())

        port = int((await until(listening, bool))[1])
        caller = await stack.enter_async_context(connected(port))
        until_then = int(time.time()) + _LONGEST_S
        bearers = [
            token(exp=until_then, **changed)
            for changed in ({}, {"tenants": ["acme", "default"]}, {"permissions": ["worker:read"]})
        ]
        caller = caller.bearing(bearers[0]) if guarded else caller
        started = await _some_runs(caller)
        # Temporal lists a run some moments late.
        listed = await until(
            lambda: caller.ask("ListTasks", {"page_size": 1}),
            lambda page: "next_page_token" in page,
        )
        yield stack.enter_context(
            Range(
                port,
                it,
                log,
                workflow_ids=started,
                page_tokens=[listed["next_page_token"]],
                bearers=bearers if guarded else [],
            )
        )
        assert it.is_running()
        await _serves(caller)


async def _some_runs(caller: Caller) -> list[str]:
    async def started(payload: dict[str, Any]) -> Any:
        try:
            return (await caller.ask("StartWorkflow", payload))["workflow_id"]
        except Exception:  # noqa: BLE001 - its worker is about to announce itself
            return None

    ways = ("done", "bug", "permanent", "transient", "work", "wait", "again")
    payloads = [{"workflow_type": "toy", "supplier_code": way} for way in ways]
    found = [await until(partial(started, payload), bool) for payload in payloads]
    await caller.ask("RegisterSchedules", VALID["RegisterSchedules"] | {"tenant_id": "acme"})
    return found


async def _serves(caller: Caller) -> None:
    """Make sure of a right start's right end."""
    reply = await caller.ask("StartWorkflow", VALID["StartWorkflow"] | {"tenant_id": "acme"})
    await caller.status_when(reply["workflow_id"], lambda it: it["status"] == "completed")


def bombard(target: Range, volleys: int) -> None:
    """Send what hypothesis comes up with: the same in every run."""

    @settings(
        max_examples=volleys,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(
            shots(target.workflow_ids, target.page_tokens, target.bearers),
            min_size=_IN_FLIGHT,
            max_size=_IN_FLIGHT,
        )
    )
    def volley(several: list[Shot]) -> None:
        target.fire(several)

    volley()


@pytest_asyncio.fixture(loop_scope="session")
async def open_gateway(tmp_path: Path) -> AsyncIterator[Range]:
    """Run a gateway that serves everybody."""
    async with shooting_range(tmp_path, guarded=False) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def guarded_gateway(tmp_path: Path) -> AsyncIterator[Range]:
    """Run a gateway that takes tokens."""
    async with shooting_range(tmp_path, guarded=True) as made:
        yield made


@pytest.mark.timeout(300)  # a third of it is the start of four processes
def test_some_hundred_requests_end_as_the_table_says(open_gateway: Range) -> None:
    """Never INTERNAL or UNKNOWN, never a hang; and it goes on serving."""
    bombard(open_gateway, 40)

    assert 40 * _IN_FLIGHT <= open_gateway.outcomes.total()


@pytest.mark.slow
@pytest.mark.timeout(_LONGEST_S)
def test_ten_thousand_requests_end_as_the_table_says(guarded_gateway: Range) -> None:
    """And the gateway's memory stays what it was."""
    bombard(guarded_gateway, 400)
    before = guarded_gateway.memory
    bombard(guarded_gateway, 1_250)
    after = guarded_gateway.memory

    for ending, count in sorted(guarded_gateway.outcomes.items()):
        _log.info("%6d %s", count, " ".join(ending))
    _log.info("%d MiB, then %d MiB", before / _MIB, after / _MIB)
    assert 10_000 <= guarded_gateway.outcomes.total()
    assert after < before * _MOST_GROWTH
