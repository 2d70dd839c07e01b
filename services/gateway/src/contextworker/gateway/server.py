"""Starts and stops the gateway: the gRPC server and what runs beside it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE
from grpc_reflection.v1alpha import reflection
from temporalio.client import Client

from contextcore import worker_pb2_grpc
from contextworker.core.errors import ConfigurationError
from contextworker.core.health import Health
from contextworker.gateway.identity.authenticator import Authenticator
from contextworker.gateway.interceptor import SERVICE, CallInterceptor
from contextworker.gateway.limits.limiter import Limiter
from contextworker.gateway.routing.modules import ModuleLister
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.sources import DeploymentSource, EntryPointSource, RouteSource
from contextworker.gateway.runs.plan import Planner
from contextworker.gateway.runs.starting import Starter
from contextworker.gateway.runs.status import StatusReader
from contextworker.gateway.servicer import WorkerServicer
from contextworker.gateway.settings import GatewaySettings
from contextworker.gateway.temporal import Temporal

_log = logging.getLogger(__name__)


async def serve(client: Client, settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then let running calls finish within the grace period.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    async with gateway(client, settings):
        await stop.wait()


@asynccontextmanager
async def gateway(client: Client, settings: GatewaySettings) -> AsyncIterator[int]:
    """Run the gateway while the block runs; yields the port it listens on.

    Args:
        client: A client with the `ContextPlugin`; a lazy one lets the gateway be up before
            Temporal is.
        settings: Where to listen, limits, intervals.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    temporal = Temporal(client, timeout_s=settings.gateway_temporal_timeout_s)
    source: RouteSource = DeploymentSource(temporal) if settings.versioning else EntryPointSource()
    routes = RouteCache(
        source,
        interval_s=settings.gateway_route_refresh_s,
        min_interval_s=settings.gateway_route_refresh_min_s,
    )
    servicer = WorkerServicer(
        Starter(temporal, Planner(temporal, routes)),
        StatusReader(temporal),
        ModuleLister(temporal, routes),
    )
    health = Health(SERVICE, interval_s=settings.gateway_health_interval_s)
    server = _server(servicer, settings)
    await health.serve_on(server)
    health.ready()
    port = _bind(server, settings.address)
    await server.start()
    _log.info("gateway listening on %s:%d", settings.address.rpartition(":")[0], port)
    if settings.is_exposed:
        _log.warning(
            "INSECURE: callers are not authenticated and %s is not loopback. Whoever reaches this "
            "port can start work and read results for every tenant; let only trusted networks do",
            settings.gateway_host,
        )
    beside = [asyncio.create_task(routes.run()), asyncio.create_task(health.watch(client))]
    try:
        yield port
    finally:
        await health.leave()
        await server.stop(settings.gateway_shutdown_grace_s)
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        _log.info("gateway stopped")


def _server(servicer: WorkerServicer, settings: GatewaySettings) -> grpc.aio.Server:
    server = grpc.aio.server(
        interceptors=[CallInterceptor(Authenticator(), Limiter())],
        options=[
            ("grpc.max_receive_message_length", settings.gateway_max_request_bytes),
            # Two gateways on one port would share it silently.
            ("grpc.so_reuseport", 0),
            # Notice callers that vanished, and let idle ones keep their connection alive.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ],
    )
    worker_pb2_grpc.add_WorkerServiceServicer_to_server(servicer, server)
    reflection.enable_server_reflection((SERVICE, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
    return server


def _bind(server: grpc.aio.Server, address: str) -> int:
    try:
        return server.add_insecure_port(address)
    except RuntimeError as error:
        raise ConfigurationError(
            f"the gateway cannot listen on {address}: is the port in use? Set WORKER_PORT to "
            "another one, or to 0 for any"
        ) from error
