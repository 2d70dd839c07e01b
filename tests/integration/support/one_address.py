"""One address before several servers, as a load balancer on the transport layer is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count


@dataclass
class OneAddress:
    """The way to the servers behind an address."""

    address: str = ""
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def silence(self) -> None:
        """Let nothing more through the connections there are, and close none of them."""
        for way in self._open:
            way.cancel()

    async def join(
        self,
        reader: asyncio.StreamReader,
        downstream: asyncio.StreamWriter,
        upstream: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Pass bytes both ways until either side is gone, and then end both."""
        ways = {
            asyncio.create_task(_pass_on(reader, downstream)),
            asyncio.create_task(_pass_on(upstream, writer)),
        }
        self._open |= ways
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self._open -= ways
        if any(way.cancelled() for way in done):
            return  # silenced
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
        await _close(downstream)
        await _close(writer)


@asynccontextmanager
async def one_address(ports: Sequence[int]) -> AsyncIterator[OneAddress]:
    """Pass each connection on to the next server that takes it."""
    turns = count()
    way = OneAddress()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        first = next(turns)
        for offset in range(len(ports)):
            with suppress(OSError):
                port = ports[(first + offset) % len(ports)]
                upstream, downstream = await asyncio.open_connection("127.0.0.1", port)
                writers.append(downstream)
                await way.join(reader, downstream, upstream, writer)
                return
        await _close(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        way.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield way
        finally:
            for writer in writers:
                await _close(writer)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
