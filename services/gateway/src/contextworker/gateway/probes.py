"""The gateway's health on a port of its own, for probes that can do no TLS."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from contextworker.core.errors import ConfigurationError
from contextworker.core.health import Health

_log = logging.getLogger(__name__)


@asynccontextmanager
async def probe_port(address: str, health: Health) -> AsyncIterator[int]:
    """Answer at `host:port` what the gateway's own port answers, while the block runs.

    Yields:
        The port; 0 for an empty address, which serves nothing.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    if not address:
        yield 0
        return
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    await health.serve_on(server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise ConfigurationError(
            f"the health service cannot listen on {address}: is the port in use? Set "
            "CONTEXTWORKER_GATEWAY_HEALTH_ADDRESS to another one"
        ) from error
    await server.start()
    _log.info("health service on %s:%d", address.rpartition(":")[0], port)
    try:
        yield port
    finally:
        await server.stop(grace=None)
