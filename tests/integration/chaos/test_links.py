"""What a link does to a connection, as both of its ends see it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from harness.links import Link, Streams, abort, tcp


@asynccontextmanager
async def shouting() -> AsyncIterator[Link]:
    """A link to a server that answers each line in capitals, and `BYE` to an end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line.upper())
            writer.write(b"BYE\n")
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, Link(tcp(server.sockets[0].getsockname()[1])).open() as link:
        yield link


@asynccontextmanager
async def connected(link: Link) -> AsyncIterator[Streams]:
    """A client that has had an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    writer.write(b"hello\n")
    assert b"HELLO\n" == await reader.readline()
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_bytes_pass_and_an_end_is_told_on() -> None:
    """One side may have no more to say and still listen."""
    async with shouting() as link, connected(link) as (reader, writer):
        writer.write_eof()

        assert b"BYE\n" == await reader.read()


async def test_a_cut_closes_what_there_is_and_nothing_else() -> None:
    """The next connection is taken."""
    async with shouting() as link:
        async with connected(link) as (reader, _):
            link.cut()

            assert b"" == await reader.read()
        async with connected(link):
            assert 1 == link.connections


async def test_a_reset_is_heard_as_one() -> None:
    """Not as an end in order."""
    async with shouting() as link, connected(link) as (reader, _):
        link.reset()

        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_while_refusing_nobody_gets_in() -> None:
    """And afterwards everybody does."""
    async with shouting() as link:
        link.refusing = True
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        link.heal()

        async with connected(link):
            pass


async def test_silence_closes_nothing_and_loses_nothing() -> None:
    """What was sent meanwhile comes late, as TCP sends it again."""
    async with shouting() as link, connected(link) as (reader, writer):
        link.silence()
        writer.write(b"anyone?\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.1)

        link.heal()

        assert b"ANYONE?\n" == await reader.readline()


async def test_a_lost_connection_stays_open_and_says_nothing() -> None:
    """Also after the network is well; a new connection works."""
    async with shouting() as link, connected(link) as (reader, writer):
        link.lose()
        link.heal()
        writer.write(b"anyone?\n")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.1)
        async with connected(link):
            assert 2 == link.connections


async def test_half_a_connection_is_closed() -> None:
    """The server hears an end that the client never said; its answer comes through."""
    async with shouting() as link, connected(link) as (reader, _):
        link.half_close()

        assert b"BYE\n" == await reader.read()


async def test_a_server_that_breaks_off_breaks_the_client_off() -> None:
    """Though the client itself waits, and says nothing."""

    async def crash(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        abort(writer)

    server = await asyncio.start_server(crash, "127.0.0.1", 0)
    async with server, Link(tcp(server.sockets[0].getsockname()[1])).open() as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"hello\n")

        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_nobody_behind_it_is_a_reset() -> None:
    """As when the server's process was killed."""
    async with Link(tcp(1)).open() as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)

        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
