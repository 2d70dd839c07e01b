"""What a caller can take of the server: bytes, payloads, time, turns."""

import asyncio
import base64
import json
import logging
import socket
from collections.abc import AsyncIterator

import pytest
from codec_calls import PLAIN, Caller, encrypted, served

from contextworker.codec_server import protocol


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"null",
        b'{"payloads": 1}',
        b'{"payloads": [{"metadata": "x"}]}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"payloads": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
    ids=["nothing", "word", "null", "number", "flat", "binary", "open", "deep"],
)
async def test_garbage_is_refused(anybody: Caller, body: bytes) -> None:
    """It says what Temporal's tools send, and quotes nothing of what came."""
    answer = await anybody.http.post("/decode", content=body)

    assert 400 == answer.status_code
    assert answer.json()["error"].startswith("the request is not what Temporal's tools send")


async def test_a_request_of_no_payloads_is_answered_so(anybody: Caller) -> None:
    """It is no error to have nothing to show."""
    assert {"payloads": []} == (await anybody.ask()).json()


async def pieces(size: int) -> AsyncIterator[bytes]:
    """Yield a body without saying how large it is."""
    for _ in range(size // 1024):
        yield b" " * 1024


async def test_a_large_request_is_refused() -> None:
    """By what it says of itself, and by what comes where it says nothing."""
    async with served(codec_max_request_bytes=64 * 1024) as caller:
        told = await caller.http.post("/decode", content=b" " * 65 * 1024)
        untold = await caller.http.post("/decode", content=pieces(65 * 1024))
        good = await caller.ask(PLAIN)

    assert [413, 413, 200] == [told.status_code, untold.status_code, good.status_code]
    assert "larger than 65,536 bytes (CONTEXTWORKER_CODEC_MAX_REQUEST_BYTES)" in told.text


async def test_too_many_payloads_are_refused(anybody: Caller) -> None:
    """An event has a few; what has thousands is no page of a UI."""
    answer = await anybody.ask(*([PLAIN] * 1001))

    assert 413 == answer.status_code
    assert "1,001 payloads; send at most 1,000" in answer.json()["error"]


async def opened(caller: Caller, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, and begin to say something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", caller.port)
    writer.write(text.replace("\n", "\r\n").encode())
    await writer.drain()
    return reader, writer


HEAD = "POST /decode HTTP/1.1\nHost: here\nContent-Length: 40\n\n"


async def test_a_slow_body_has_its_time() -> None:
    """Who sends half of it and waits is told so, and loses the turn and the connection."""
    # The next one has that time, too, which is enough where the machine is busy.
    async with served(codec_max_requests=1, codec_request_timeout_s=4) as caller:
        reader, writer = await opened(caller, HEAD + '{"payl')
        said = (await reader.read()).decode()
        good = await caller.ask(PLAIN)
        writer.close()

    assert said.startswith("HTTP/1.1 503")
    assert "the request was not done within 4 s" in said
    assert 200 == good.status_code


async def test_one_waits_for_a_turn_and_gets_it() -> None:
    """With one turn, the second request is served when the first is done."""
    async with served(codec_max_requests=1) as caller:
        reader, writer = await opened(caller, HEAD + '{"payl')
        second = asyncio.create_task(caller.ask(PLAIN))
        done, _ = await asyncio.wait([second], timeout=0.2)
        writer.write(b'oads": []}'.ljust(34))
        first = await reader.readuntil(b"\r\n")
        answered = await second
        writer.close()

    assert set() == done
    assert (b"HTTP/1.1 200 OK\r\n", 200) == (first, answered.status_code)


async def test_who_does_not_come_to_the_point_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a header, and a connection that says nothing at all."""
    monkeypatch.setattr(protocol, "HEADERS_WITHIN_S", 0.2)
    async with served() as caller:
        ends = [await opened(caller, begun) for begun in ("", "POST /decode HTTP/1.1\nHost: he")]
        said = [await asyncio.wait_for(reader.read(), 60) for reader, _ in ends]
        for _, writer in ends:
            writer.close()

    assert [b"", b""] == said


@pytest.mark.slow
async def test_who_does_not_take_the_answer_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody fills the memory with answers that are never read; what was cut off can be told."""
    caplog.set_level(logging.INFO)
    plain = {"metadata": PLAIN["metadata"], "data": base64.b64encode(bytes(5_000_000)).decode()}
    body = json.dumps({"payloads": [plain]}).encode()
    async with served(codec_request_timeout_s=10) as caller:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # or the kernel takes it all
        slow.connect(("127.0.0.1", caller.port))
        reader, writer = await asyncio.open_connection(sock=slow, limit=4096)
        head = f"POST /decode HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        async with asyncio.timeout(60):
            while "an answer was not taken within 10 s" not in caplog.text:
                await asyncio.sleep(0.02)
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert not answer.endswith(b"\r\n0\r\n\r\n")


async def test_a_connection_is_used_again(anybody: Caller) -> None:
    """A page asks many times."""
    reader, writer = await opened(anybody, "")
    for _ in range(3):
        writer.write(b"POST /decode HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\n{}")
        assert b"200" in await reader.readuntil(b"\r\n\r\n")
        assert b'{"payloads":[' in await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.close()


async def test_large_headers_are_refused(anybody: Caller) -> None:
    """Before there is anybody to ask for a token."""
    answer = await anybody.http.post("/decode", headers={"x-namespace": "x" * 40_000})

    assert 400 == answer.status_code


async def test_strangers_send_no_body(operator: Caller) -> None:
    """Who brings no token is refused before what they send is taken in."""
    reader, writer = await opened(
        operator, "POST /decode HTTP/1.1\nHost: here\nContent-Length: 8000000\n\n"
    )
    said = await asyncio.wait_for(reader.readuntil(b"\r\n"), 60)
    writer.close()

    assert b"HTTP/1.1 401 Unauthorized\r\n" == said


async def test_what_is_encrypted_survives_a_client_that_hangs_up(anybody: Caller) -> None:
    """The server goes on for the next one."""
    _, writer = await opened(anybody, HEAD + '{"payl')
    writer.close()

    assert [7] == await anybody.values(await encrypted(7))
