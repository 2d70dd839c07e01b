"""A supplier's web server whose feed is another one each time, and takes a while to come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

ROWS = 400
_PARTS = 10


@asynccontextmanager
async def supplying(seconds: float) -> AsyncIterator[int]:
    """Answer every request with a feed while the block runs; yields the port."""
    versions = count(1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            body = _feed(next(versions))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nConnection: close\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
            )
            size = len(body) // _PARTS + 1
            for start in range(0, len(body), size):
                writer.write(body[start : start + size])
                await writer.drain()
                await asyncio.sleep(seconds / _PARTS)  # how slow it is
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield int(server.sockets[0].getsockname()[1])


def _feed(version: int) -> bytes:
    rows = (f"S{number},Tent {number},{number + version / 100:.2f}\n" for number in range(ROWS))
    return ("sku,name,price\n" + "".join(rows)).encode()
