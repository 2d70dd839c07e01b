"""What one connection may do, frame by frame."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest
from gateway_calls import Caller, connected
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.gateway import interceptor
from contextworker.gateway.connections import MAX_HEADER_BYTES, MAX_STREAMS
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

LOOK = ContextUnit(payload={"workflow_id": "x"}).to_protobuf().SerializeToString()
PINGS = 10


class RawClient:
    """A client that sends what it likes, and keeps everything it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h2.connection.H2Connection()
        self.goaway: h2.events.ConnectionTerminated | None = None
        self.statuses: list[int] = []
        self.pongs = 0
        self.max_streams = 0

    def begin(self) -> None:
        """Greet the server."""
        self._http.initiate_connection()
        self.flush()

    def flush(self) -> None:
        """Send what is due."""
        self._writer.write(self._http.data_to_send())

    def ping(self) -> None:
        """Ask whether the server is there."""
        self._http.ping(b"are you?")
        self.flush()

    def call(self, port: int, *, message: bytes | None = LOOK, ends: bool = True) -> None:
        """Begin a GetTaskStatus; without a message, and without an end, where told so."""
        stream = self._http.get_next_available_stream_id()
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": "/contextworker.WorkerService/GetTaskStatus",
            ":authority": f"127.0.0.1:{port}",
            "content-type": "application/grpc",
            "te": "trailers",
        }
        self._http.send_headers(stream, list(headers.items()))
        if message is not None:
            frame = b"\x00" + len(message).to_bytes(4, "big") + message
            self._http.send_data(stream, frame, end_stream=ends)
        elif ends:
            self._http.end_stream(stream)
        self.flush()

    async def listen(self) -> bool:
        """Take in the server's next frame; False when it has hung up, or is about to."""
        try:
            head = await self._reader.readexactly(9)
            body = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        for event in self._http.receive_data(head + body):
            match event:
                case h2.events.ConnectionTerminated():
                    self.goaway = event
                case h2.events.PingAckReceived():
                    self.pongs += 1
                case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                    headers = dict(event.headers or ())
                    if status := headers.get(b"grpc-status"):
                        self.statuses.append(int(status))
                case h2.events.RemoteSettingsChanged(changed_settings=changed):
                    codes = h2.settings.SettingCodes
                    if codes.MAX_CONCURRENT_STREAMS in changed:
                        self.max_streams = changed[codes.MAX_CONCURRENT_STREAMS].new_value
        if self.goaway is None:
            self.flush()
        return self.goaway is None


@asynccontextmanager
async def raw_client(port: int) -> AsyncIterator[RawClient]:
    """Connect to a gateway without gRPC."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = RawClient(reader, writer)
    client.begin()
    try:
        async with asyncio.timeout(60):
            yield client
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_who_pings_too_often_is_sent_away(caller: Caller) -> None:
    """GOAWAY says why, and the connection ends; others do not notice."""
    async with raw_client(caller.port) as abuser:
        for number in range(1, PINGS + 1):
            abuser.ping()
            while abuser.pongs < number and await abuser.listen():
                pass
            if abuser.goaway:
                break
    other = await caller.refused("GetTaskStatus", {"workflow_id": "x"})

    assert abuser.goaway
    assert h2.errors.ErrorCodes.ENHANCE_YOUR_CALM == abuser.goaway.error_code
    assert b"too_many_pings" == abuser.goaway.additional_data
    assert grpc.StatusCode.NOT_FOUND == other.code


async def test_who_pings_between_calls_stays(caller: Caller) -> None:
    """As many pings as the abuser's, each after an answer."""
    async with raw_client(caller.port) as client:
        for number in range(1, PINGS + 1):
            client.call(caller.port)
            while len(client.statuses) < number:
                assert await client.listen()
            client.ping()

    assert [grpc.StatusCode.NOT_FOUND.value[0]] * PINGS == client.statuses
    assert client.goaway is None


async def test_a_client_is_told_how_many_calls_a_connection_carries(caller: Caller) -> None:
    """More than a tenant's quotas, so that a quota answers where gRPC would wait in silence."""
    async with raw_client(caller.port) as client:
        while not client.max_streams:
            assert await client.listen()

    assert MAX_STREAMS == client.max_streams
    settings = GatewaySettings()
    assert MAX_STREAMS > settings.gateway_max_concurrent_calls + settings.gateway_max_watches


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "open"])
async def test_a_call_without_its_message_ends(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """Whoever sends none, and whoever never says that none will come."""
    # Undone for the other call: on a busy machine its message may take as long.
    with monkeypatch.context() as patch:
        patch.setattr(interceptor, "MESSAGE_WITHIN_S", 0.2)
        async with raw_client(caller.port) as client:
            client.call(caller.port, message=None, ends=ends)
            while not client.statuses:
                assert await client.listen()
    other = await caller.refused("GetTaskStatus", {"workflow_id": "x"})

    assert [grpc.StatusCode.INVALID_ARGUMENT.value[0]] == client.statuses
    assert grpc.StatusCode.NOT_FOUND == other.code


@pytest.mark.parametrize(
    ("size", "code"),
    [
        pytest.param(MAX_HEADER_BYTES // 2, grpc.StatusCode.NOT_FOUND, id="8 KiB"),
        pytest.param(MAX_HEADER_BYTES - 1024, grpc.StatusCode.NOT_FOUND, id="15 KiB"),
        pytest.param(MAX_HEADER_BYTES, grpc.StatusCode.RESOURCE_EXHAUSTED, id="16 KiB"),
    ],
)
async def test_metadata_has_a_size(caller: Caller, size: int, code: grpc.StatusCode) -> None:
    """Below the limit it is always taken, over it never: gRPC by itself would throw dice."""
    request = ContextUnit(payload={"workflow_id": "x"}).to_protobuf()
    for _ in range(5):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await caller.stub.GetTaskStatus(request, metadata=[("x", "a" * size)], timeout=60)
        assert code == refused.value.code()


async def test_a_client_moves_to_a_new_connection_between_its_calls(
    temporal_client: Client,
) -> None:
    """A connection's age ends it without a call's notice, so that replicas share the callers."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=0,
        gateway_max_connection_age_s=0.2,
        gateway_temporal_timeout_s=20,
    )
    async with gateway(temporal_client, settings) as port, connected(port) as caller:
        left = asyncio.Event()

        async def call() -> None:
            while not left.is_set():
                refusal = await caller.refused("GetTaskStatus", {"workflow_id": "x"})
                assert grpc.StatusCode.NOT_FOUND == refusal.code, refusal

        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(call())
            async with raw_client(port) as witness:
                while await witness.listen():
                    pass
            left.set()

    assert witness.goaway
    assert h2.errors.ErrorCodes.NO_ERROR == witness.goaway.error_code
