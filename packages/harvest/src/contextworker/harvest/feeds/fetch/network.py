"""Connections to checked addresses only: a name is resolved once, and what was checked is dialled.

So a name that leads to one address when it is checked and to another when it is dialled gains
nothing, and each hop of a redirect is checked like the first.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore
import httpx

from contextworker.harvest.errors import FeedError
from contextworker.harvest.feeds.fetch.addresses import Network, is_allowed, parse

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host, in the order to try them; raises OSError where it has none."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host!r} is no host name") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Dials only what is public, in an allowed network, or asked for by an allowed host's name."""

    def __init__(
        self,
        *,
        hosts: frozenset[str] = frozenset(),
        networks: Iterable[Network] = (),
        resolve: Resolve = resolve,
    ) -> None:
        self._hosts = hosts
        self._networks = tuple(networks)
        self._resolve = resolve
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check, connect.

        Raises:
            FeedError: No address of the host may be asked.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._checked(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} could not be resolved in time") from error
        except OSError as error:
            raise httpcore.ConnectError(f"{host} could not be resolved") from error
        for last, address in enumerate(addresses, 1 - len(addresses)):
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not last:
                    raise
        raise httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the interface's
        socket_options: Any = None,  # noqa: ARG002 - as above
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a feed is not behind a socket of this machine."""
        raise httpcore.ConnectError(f"{path} is no network address")

    async def sleep(self, seconds: float) -> None:
        """Wait between the attempts of a pool."""
        await self._backend.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[str]:
        found = await self._resolve(host, port)
        if host.lower().rstrip(".").strip("[]") in self._hosts:
            return found
        allowed = [
            text
            for text in found
            if (address := parse(text)) is not None and is_allowed(address, self._networks)
        ]
        if found and not allowed:
            where = "" if found[0] == host else f"leads to {found[0]}, which "
            raise FeedError(
                f"the host {host} may not be asked: it {where}is not on the public internet; "
                f'if that is right, add allow_hosts = ["{host}"] to the source in the supplier file'
            )
        return allowed


class CheckedTransport(httpx.AsyncHTTPTransport):
    """HTTP/1.1 over a checked network; proxies of the environment are not asked."""

    def __init__(self, network: CheckedNetwork, tls: ssl.SSLContext) -> None:
        # httpx lets no network be given, but takes any pool of httpcore's as its own.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=1, network_backend=network
        )
