"""What one request may cost, and what it may bring about in those behind the gateway."""

import asyncio
import gc
import random
import socket
import struct
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
import pytest_asyncio
from gateway_calls import Caller
from gateway_deployments import deploy, set_current, until_announced
from gateway_strangers import sleepers
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.announcement import Announcement
from contextworker.gateway import interceptor
from contextworker.gateway.errors import RunNotFoundError
from contextworker.gateway.settings import MAX_ENVELOPE_BYTES

TOY = {"workflow_type": "toy", "supplier_code": "done"}
INVALID = grpc.StatusCode.INVALID_ARGUMENT
RPCS = ("/contextworker.WorkerService/ListModules", "/contextworker.WorkerService/GetTaskStatus")


async def test_an_id_longer_than_temporal_knows_is_the_callers_fault(caller: Caller) -> None:
    """Temporal counts bytes, and its answer to these breaks the connection: "unavailable"."""
    refusal = await caller.refused("GetTaskStatus", {"workflow_id": "😀" * 251})

    assert INVALID == refusal.code
    [(field, problem)] = refusal.violations.items()
    assert "payload.workflow_id" == field
    assert problem.startswith("must take at most 1000 bytes as UTF-8, not ")


async def test_the_envelope_must_fit_every_reply(caller: Caller) -> None:
    """A reply carries it on, so that one near the limit would have no answer a client takes."""
    unit = ContextUnit(provenance=["commerce:trigger"] * 20_000)
    size = unit.to_protobuf().ByteSize()  # the payload is empty

    refusal = await caller.refused("ListModules", unit)

    assert INVALID == refusal.code
    assert {
        "request": f"holds {size:,} bytes besides its payload, of {MAX_ENVELOPE_BYTES:,} that it "
        "may: every reply carries them; shorten provenance, chain_of_thought or security"
    } == refusal.violations


async def test_a_reply_that_no_client_takes_is_not_sent(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client would throw it away, and tell its user of exhausted resources of its own."""
    monkeypatch.setattr(interceptor, "MAX_REPLY_BYTES", 100)

    refusal = await caller.refused("ListModules", {})

    assert (grpc.StatusCode.RESOURCE_EXHAUSTED, "REPLY_TOO_LARGE") == (refusal.code, refusal.reason)
    assert {"size", "limit"} == set(refusal.metadata)
    assert "100" == refusal.metadata["limit"]


async def test_countless_problems_are_not_all_told(caller: Caller, toys: None) -> None:
    """Telling each would keep everybody else waiting for ten seconds."""
    items = [{"what": number} for number in range(100_000)]

    refusal = await caller.refused("StartWorkflow", TOY | {"items": items})

    assert INVALID == refusal.code
    first, *_, last = refusal.violations.items()
    assert "payload.items[0]" == first[0]
    assert first[1].startswith("does not fit the route's schema: ")
    assert ("payload", "has 299,997 more problems") == last


async def test_many_problems_of_one_kind_are_still_told_in_words(
    caller: Caller, toys: None
) -> None:
    """A large payload is not what makes it slow."""
    refusal = await caller.refused("StartWorkflow", {f"field_{n}": n for n in range(10_000)})

    assert {"payload.workflow_type": "is required"} == refusal.violations


@pytest_asyncio.fixture(loop_scope="session")
async def announced(
    temporal_client: Client, caller: Caller
) -> AsyncIterator[Callable[[str, Announcement], Awaitable[None]]]:
    """Let modules announce something for the time of a test."""
    names: list[str] = []

    async def announce(name: str, announcement: Announcement) -> None:
        names.append(name)
        await deploy(temporal_client, name, "dev", announcement.to_payload())
        await until_announced(caller, task_queue=announcement.task_queue)

    yield announce
    for name in names:
        await set_current(temporal_client, name, "")
    await routes_are_read(caller)


async def routes_are_read(caller: Caller) -> None:
    """Have the gateway read its routes anew."""
    await caller.refused("StartWorkflow", {"workflow_type": "unheard of"})


def announcing(task_queue: str = "sleepers-tasks", **route: Any) -> Announcement:
    """Make an announcement of one route."""
    usual = Announcement.of(sleepers)
    changed = usual.routes[0].model_copy(update=route)
    return usual.model_copy(update={"task_queue": task_queue, "routes": (changed,)})


async def listed(caller: Caller, task_queue: str) -> dict[str, Any]:
    """List the modules, of which one has that task queue."""
    modules = (await caller.ask("ListModules", {}))["modules"]
    [found] = [module for module in modules if module["task_queue"] == task_queue]
    assert len(modules) > 1
    return dict(found)


async def test_what_only_temporal_refuses_is_told_as_its_refusal(
    caller: Caller,
    toys: None,
    announced: Callable[[str, Announcement], Awaitable[None]],
) -> None:
    """Nothing of it is a fault of the gateway, and nothing would change at another attempt."""
    task_queue = "q" * 2000
    await announced("impossibles", announcing(task_queue, workflow_type="impossible"))

    refusal = await caller.refused("StartWorkflow", {"workflow_type": "impossible"})
    module = await listed(caller, task_queue)

    assert (grpc.StatusCode.FAILED_PRECONDITION, "TEMPORAL_REFUSED") == (
        refusal.code,
        refusal.reason,
    )
    assert {"temporal_code": "INVALID_ARGUMENT"} == refusal.metadata
    problem = "taskQueue length exceeds limit"
    assert f"Temporal refuses this: {problem} (INVALID_ARGUMENT)" == refusal.message
    assert (0, f"Temporal refuses its task queue: {problem}") == (
        module["workers"],
        module["reason"],
    )


async def test_a_module_with_endless_schemas_does_not_hide_the_others(
    caller: Caller,
    toys: None,
    announced: Callable[[str, Announcement], Awaitable[None]],
) -> None:
    """A unit's payload has a depth, and a schema has none."""
    schema: dict[str, Any] = {}
    for _ in range(30):
        schema = {"properties": {"deeper": schema}}
    await announced("deep", announcing("deep-tasks", workflow_type="deep", payload_schema=schema))

    module = await listed(caller, "deep-tasks")

    assert [] == module["routes"]
    assert module["reason"].startswith("its routes cannot be told: their schemas are nested")


async def test_a_call_that_takes_nothing_says_so(caller: Caller) -> None:
    """A misspelt filter must not look as if it had worked."""
    refusal = await caller.refused("ListModules", {"name": "harvest"})

    assert INVALID == refusal.code
    assert {"payload.name": "is not a field of this route"} == refusal.violations


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_the_limit_is_for_what_a_message_unpacks_to(
    caller: Caller, compression: grpc.Compression
) -> None:
    """A few kilobytes on the wire must not become a gigabyte in memory."""
    bomb = ContextUnit(payload={"x": "x" * (64 * 1024 * 1024)}).to_protobuf()

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await caller.stub.ListModules(bomb, compression=compression, timeout=60)

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == refused.value.code()


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_compressed_requests_are_served(
    caller: Caller, compression: grpc.Compression
) -> None:
    """Compression is the client's choice."""
    request = ContextUnit().to_protobuf()

    reply = await caller.stub.ListModules(request, compression=compression, timeout=60)

    assert request.unit_id == reply.parent_unit_id


@pytest.mark.parametrize(
    "method", ["/contextworker.WorkerService/Nope", "/contextworker.Nope/StartWorkflow", "/"]
)
async def test_a_method_that_is_not_there_is_unimplemented(caller: Caller, method: str) -> None:
    """GRPC itself says so."""
    call: Any = caller.channel.unary_unary(method)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(b"", timeout=60)

    assert grpc.StatusCode.UNIMPLEMENTED == refused.value.code()


def _frame(kind: int, stream: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def send(port: int, rubbish: bytes) -> None:
    """Send it all, and read until the gateway has had enough."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(rubbish)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
        except OSError:
            pass  # had enough before the end


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = _frame(4, 0, b"")


@pytest.mark.parametrize(
    "rubbish",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n", id="http 1"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500, id="tls"),
        pytest.param(b"\x00" * 65_536, id="zeros"),
        pytest.param(b"\xff" * 65_536, id="ones"),
        pytest.param(PREFACE + b"\x00" * 1000, id="preface and zeros"),
        pytest.param(PREFACE + SETTINGS + _frame(0, 1, b"x" * 100), id="data without a stream"),
        pytest.param(PREFACE + SETTINGS + _frame(1, 1, b"\xff" * 100, 4), id="headers of rubbish"),
        pytest.param(PREFACE + SETTINGS + _frame(9, 1, b"x" * 1000), id="endless headers"),
        pytest.param(PREFACE + SETTINGS + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", id="huge frame"),
        pytest.param(PREFACE + SETTINGS + _frame(8, 0, b"\x00" * 4), id="window of nothing"),
        pytest.param(PREFACE + SETTINGS + _frame(3, 1, b"\x00" * 4) * 1000, id="resets of nothing"),
        pytest.param(PREFACE + SETTINGS * 5000, id="settings for ever"),
    ],
)
async def test_rubbish_on_the_port_harms_nobody(caller: Caller, rubbish: bytes) -> None:
    """The connection is the sender's alone; everybody else is served on."""
    await asyncio.to_thread(send, caller.port, rubbish)

    assert ["modules"] == list(await caller.ask("ListModules", {}))


async def test_random_bytes_on_many_connections_harm_nobody(caller: Caller) -> None:
    """Half of them behind a right beginning."""
    for number in range(100):
        beginning = PREFACE + SETTINGS if number % 2 else b""
        await asyncio.to_thread(send, caller.port, beginning + random.randbytes(4096))

    assert ["modules"] == list(await caller.ask("ListModules", {}))


async def test_a_stranger_in_the_metadata_is_let_pass(caller: Caller) -> None:
    """Proxies and tracers add what they like."""
    metadata: tuple[tuple[str, str | bytes], ...] = (
        ("x-request-id", str(uuid.uuid4())),
        ("x-empty", ""),
        ("x-bin", bytes(range(256))),
        *((f"x-{number}", "x" * 20) for number in range(50)),
    )

    request = ContextUnit().to_protobuf()
    reply = await caller.stub.ListModules(request, metadata=metadata, timeout=60)

    assert request.unit_id == reply.parent_unit_id


async def test_what_was_refused_leaves_memory_at_once(caller: Caller) -> None:
    """An error holds on to the request, of megabytes perhaps; garbage is looked for seldom."""
    gc.collect()
    gc.disable()
    try:
        await caller.refused("GetTaskStatus", {"workflow_id": "toy-acme-nothing"})
        kept = [it for it in gc.get_objects() if isinstance(it, RunNotFoundError)]
    finally:
        gc.enable()

    assert [] == kept
