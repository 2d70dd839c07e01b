"""One address before several servers, as a load balancer on the transport layer is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count


@asynccontextmanager
async def one_address(ports: Sequence[int]) -> AsyncIterator[str]:
    """Pass each connection on to the next server that takes it; yields the address."""
    turns = count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turns)
        for offset in range(len(ports)):
            with suppress(OSError):
                port = ports[(first + offset) % len(ports)]
                upstream, downstream = await asyncio.open_connection("127.0.0.1", port)
                await _join(reader, downstream, upstream, writer)
                return
        await _close(writer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _join(
    reader: asyncio.StreamReader,
    downstream: asyncio.StreamWriter,
    upstream: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Pass bytes both ways until either side is gone, and then end both."""
    ways = [
        asyncio.create_task(_pass_on(reader, downstream)),
        asyncio.create_task(_pass_on(upstream, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
        await _close(downstream)
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
