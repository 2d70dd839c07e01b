"""A way from one process to another that can be slow, silent or cut."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Upstream = Callable[[], Awaitable[Streams]]
_CHUNK = 64 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 seconds: close() sends RST


def tcp(port: int) -> Upstream:
    """Return how to reach a server on loopback."""

    async def connect() -> Streams:
        return await asyncio.open_connection("127.0.0.1", port)

    return connect


@dataclass(eq=False)
class _Flow:
    """One connection through a link."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    ways: tuple[asyncio.Task[None], ...] = ()
    is_lost: bool = False
    """Whether the network has forgotten it: nothing comes through any more, and nobody is told."""

    def cut(self) -> None:
        """Close both ends in order; what was on its way is lost."""
        for way in self.ways:
            way.cancel()
        self.client.close()
        self.server.close()

    def reset(self) -> None:
        """End both connections with RST."""
        for way in self.ways:
            way.cancel()
        for writer in (self.client, self.server):
            abort(writer)

    def half_close(self) -> None:
        """Tell the server that the client has no more to say; its answers still come."""
        self.ways[0].cancel()
        with suppress(OSError, RuntimeError):
            self.server.write_eof()


@dataclass(eq=False)
class Link:
    """A TCP proxy on loopback; as long as nothing is wrong, bytes pass as they come."""

    upstream: Upstream
    port: int = 0
    delay_s: float = 0
    bytes_per_s: float | None = None
    refusing: bool = False
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _flows: set[_Flow] = field(default_factory=set)
    _joins: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        """`host:port` for whoever connects."""
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._flows)

    def silence(self) -> None:
        """Let nothing through and close nothing, as a network that swallows packets does."""
        self._open.clear()

    def heal(self) -> None:
        """Let everything pass again; what was held back comes late, as TCP sends it again."""
        self.delay_s, self.bytes_per_s, self.refusing = 0, None, False
        self._open.set()

    def cut(self) -> None:
        """Close every connection; new ones are taken."""
        for flow in list(self._flows):
            flow.cut()

    def reset(self) -> None:
        """Reset every connection; new ones are taken."""
        for flow in list(self._flows):
            flow.reset()

    def lose(self) -> None:
        """Forget every connection, as a firewall does; new ones are taken."""
        for flow in self._flows:
            flow.is_lost = True

    def half_close(self) -> None:
        """Close one direction of every connection."""
        for flow in list(self._flows):
            flow.half_close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Link"]:
        """Listen while the block runs."""
        self.heal()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.heal()
            self.reset()
            await asyncio.gather(*self._joins, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        join = asyncio.create_task(self._join(reader, writer))
        self._joins.add(join)
        join.add_done_callback(self._joins.discard)

    async def _join(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        await self._open.wait()
        if self.refusing:
            abort(client)
            return
        try:
            upstream, server = await self.upstream()
        except OSError:
            abort(client)
            return
        flow = _Flow(client, server)
        flow.ways = (
            asyncio.create_task(self._pass_on(flow, reader, server)),
            asyncio.create_task(self._pass_on(flow, upstream, client)),
        )
        self._flows.add(flow)
        try:
            # An end that broke tells the other at once; one that only has no more to say does not.
            await asyncio.wait(flow.ways, return_when=asyncio.FIRST_EXCEPTION)
            if any(_broke(way) for way in flow.ways):
                flow.reset()
            await asyncio.wait(flow.ways)
        finally:
            self._flows.discard(flow)
            for writer in (client, server):
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _pass_on(
        self, flow: _Flow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(_CHUNK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self.bytes_per_s:
                await asyncio.sleep(len(data) / self.bytes_per_s)
            await self._open.wait()
            if not flow.is_lost:
                writer.write(data)
                await writer.drain()
        await self._open.wait()
        if not flow.is_lost:
            writer.write_eof()


def _broke(way: asyncio.Task[None]) -> bool:
    return way.done() and not way.cancelled() and way.exception() is not None


def abort(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
