"""The standard health service: SERVING while Temporal answers."""

import asyncio
import logging

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio
from temporalio.client import Client

from contextworker.core.health import temporal_answers

_log = logging.getLogger(__name__)
_STATUS = health_pb2.HealthCheckResponse
_TIMEOUT_S = 4.0


async def keep_health_true(
    health: health_aio.HealthServicer, client: Client, services: tuple[str, ...], interval_s: float
) -> None:
    """Keep the answer for each service true until cancelled."""
    was: bool | None = None
    while True:
        serving = await _answers(client)
        if serving != was:
            log = _log.info if serving else _log.warning
            log("health: %s", "serving" if serving else "Temporal does not answer")
            for service in services:
                await health.set(service, _STATUS.SERVING if serving else _STATUS.NOT_SERVING)
        was = serving
        await asyncio.sleep(interval_s)


async def _answers(client: Client) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await temporal_answers(client)
    except TimeoutError:  # a lazy client's connecting has no timeout of its own
        return False
