"""The suppliers' web server, with feeds that are known and an answer for every mood."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum


class Mood(StrEnum):
    """How the server answers."""

    WELL = "well"
    ERROR = "error"
    TOO_MANY = "too_many"
    HANG = "hang"
    TRUNCATE = "truncate"
    GARBAGE = "garbage"
    """Half of the feed, then bytes that are no HTTP."""
    GARBAGE_PACKED = "garbage_packed"
    """A whole answer whose gzip is damaged half-way."""


@dataclass(eq=False)
class Supplier:
    """Serves `/CODE.csv`: what `feeds` says now."""

    feeds: Mapping[str, Callable[[], bytes]]
    mood: Mood = Mood.WELL
    port: int = 0
    asked: int = 0
    _answering: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Supplier"]:
        """Serve while the block runs."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._answering:
                task.cancel()
            await asyncio.gather(*self._answering, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in request[1:] if ": " in line)
            code = request[0].split()[1].removeprefix("/").removesuffix(".csv")
            await self._answer(writer, self.feeds[code](), headers)
        writer.transport.abort() if self.mood is Mood.TRUNCATE else writer.close()

    async def _answer(
        self, writer: asyncio.StreamWriter, body: bytes, headers: Mapping[str, str]
    ) -> None:
        self.asked += 1
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        parts = (
            _well(body, etag, headers) if self.mood is Mood.WELL else _ill(self.mood, body, etag)
        )
        for part in parts:
            writer.write(part)
            await writer.drain()
        if self.mood is Mood.HANG:
            while self.mood is Mood.HANG:
                await asyncio.sleep(0.1)
            writer.transport.abort()


def _ill(mood: Mood, body: bytes, etag: str) -> list[bytes]:
    half = len(body) // 2
    match mood:
        case Mood.ERROR:
            return [_head(500, 0)]
        case Mood.TOO_MANY:
            return [_head(429, 0, "Retry-After: 1")]
        case Mood.GARBAGE:
            chunk = f"{half:x}\r\n".encode() + body[:half] + b"\r\n\xff\xfe no chunk\r\n"
            return [_head(200, None, "Transfer-Encoding: chunked"), chunk]
        case Mood.GARBAGE_PACKED:
            packed = bytearray(gzip.compress(body))
            middle = len(packed) // 2
            packed[middle : middle + 8] = b"\x00garbage"
            return [_head(200, len(packed), "Content-Encoding: gzip"), bytes(packed)]
        case _:
            return [_head(200, len(body), f"ETag: {etag}"), body[:half]]


def _well(body: bytes, etag: str, headers: Mapping[str, str]) -> list[bytes]:
    if headers.get("if-none-match") == etag:
        return [_head(304, None, f"ETag: {etag}")]
    asked = headers.get("range", "")
    if asked.startswith("bytes=") and headers.get("if-range", etag) == etag:
        start = int(asked.removeprefix("bytes=").split("-")[0])
        if start < len(body):
            part = f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}"
            return [_head(206, len(body) - start, f"ETag: {etag}", part), body[start:]]
    return [_head(200, len(body), f"ETag: {etag}"), body]


def _head(status: int, length: int | None, *lines: str) -> bytes:
    size = [] if length is None else [f"Content-Length: {length}"]
    first = f"HTTP/1.1 {status} Chaos"
    head = [first, "Connection: close", "Content-Type: text/csv", *size, *lines, "", ""]
    return "\r\n".join(head).encode()
