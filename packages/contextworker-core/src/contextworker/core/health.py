"""A process's health for probes: the standard gRPC health service on a port of its own."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from temporalio.client import Client
from temporalio.service import RPCError

from contextworker.core.errors import ConfigurationError

_log = logging.getLogger(__name__)
_CHECK_TIMEOUT_S = 3.0
LIVENESS = "liveness"
"""What to ask for whether the process lives, whatever Temporal does: a restart mends no outage."""


class Health:
    """What the health service answers: SERVING once ready, and while Temporal answers."""

    def __init__(self, *services: str, interval_s: float = 2.0) -> None:
        """Make the service; it answers for the whole process (`""`) and for each name given."""
        self._servicer = health_aio.HealthServicer()
        self._services = ("", *services)
        self._interval_s = interval_s
        self._ready = asyncio.Event()

    async def serve_on(self, server: grpc.aio.Server) -> None:
        """Answer on a server: alive, and NOT_SERVING for the time being."""
        await self._servicer.set(LIVENESS, health_pb2.HealthCheckResponse.SERVING)
        await self._set(serving=False)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    def ready(self) -> None:
        """Say that the process has started."""
        self._ready.set()

    async def serving(self) -> None:
        """Answer SERVING, of a process that works without Temporal."""
        await self._set(serving=True)

    async def leave(self) -> None:
        """Answer NOT_SERVING from now on."""
        await self._servicer.enter_graceful_shutdown()

    async def watch(self, client: Client) -> None:
        """Keep the answer true until cancelled."""
        await self._ready.wait()
        was: bool | None = None
        while True:
            serving = await temporal_answers(client)
            if serving != was:
                await self._set(serving=serving)
                log = _log.info if serving else _log.warning
                log("health: %s", "serving" if serving else "Temporal does not answer")
            was = serving
            await asyncio.sleep(self._interval_s)

    async def _set(self, *, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse
        for service in self._services:
            await self._servicer.set(service, status.SERVING if serving else status.NOT_SERVING)


async def temporal_answers(client: Client) -> bool:
    """Ask Temporal's own health service, once and within seconds."""
    try:
        async with asyncio.timeout(2 * _CHECK_TIMEOUT_S):  # a lazy client's connecting has no own
            return await client.service_client.check_health(
                timeout=timedelta(seconds=_CHECK_TIMEOUT_S)
            )
    except (RPCError, RuntimeError, TimeoutError):  # RuntimeError: a lazy client cannot connect
        return False


@asynccontextmanager
async def health_server(address: str, client: Client) -> AsyncIterator[Health]:
    """Serve health at `host:port` while the block runs; an empty address serves nothing.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    health = Health()
    async with health_port(address, health, setting="CONTEXTWORKER_HEALTH_ADDRESS"):
        watching = asyncio.create_task(health.watch(client)) if address else None
        try:
            yield health
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.wait([watching])


@asynccontextmanager
async def health_port(address: str, health: Health, *, setting: str) -> AsyncIterator[None]:
    """Answer probes at `host:port` while the block runs; at an empty address, nobody.

    Args:
        address: Where to listen, without TLS.
        health: What to answer.
        setting: The variable that the address comes from, to name it where it is wrong.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    if not address:
        yield
        return
    # Two processes on one port would share its probes silently.
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    await health.serve_on(server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise ConfigurationError(
            f"the health service cannot listen on {address}: is it host:port, and the port free? "
            f"Set {setting} to another one"
        ) from error
    await server.start()
    _log.info("health service on %s:%d", address.rpartition(":")[0], port)
    try:
        yield
    finally:
        await server.stop(grace=None)
