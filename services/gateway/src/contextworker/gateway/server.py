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
from contextworker.core.health import Health, health_port
from contextworker.gateway.connections import server_options
from contextworker.gateway.identity.authenticator import Authenticator
from contextworker.gateway.identity.setup import authentication
from contextworker.gateway.interceptor import SERVICE, CallInterceptor
from contextworker.gateway.limits.limiter import Limiter
from contextworker.gateway.listening import bind, tell_exposure
from contextworker.gateway.modules.listing import ModuleLister
from contextworker.gateway.routing.route_cache import RouteCache
from contextworker.gateway.routing.sources import DeploymentSource, EntryPointSource, RouteSource
from contextworker.gateway.runs.executing import Executor
from contextworker.gateway.runs.plan import Planner
from contextworker.gateway.runs.tasks import Tasks
from contextworker.gateway.schedules.setup import Schedules
from contextworker.gateway.servicer import WorkerServicer
from contextworker.gateway.settings import GatewaySettings
from contextworker.gateway.task_queues import Queues
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.run_attributes import RunAttributes

_log = logging.getLogger(__name__)


async def serve(client: Client, settings: GatewaySettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then let running calls finish within the grace period.

    Raises:
        ConfigurationError: The address cannot be listened on, or keys or certificates not be used.
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
        ConfigurationError: The address cannot be listened on, or keys or certificates not be used.
    """
    temporal = Temporal(client, timeout_s=settings.gateway_temporal_timeout_s)
    source: RouteSource = DeploymentSource(temporal) if settings.versioning else EntryPointSource()
    routes = RouteCache(
        source,
        interval_s=settings.gateway_route_refresh_s,
        min_interval_s=settings.gateway_route_refresh_min_s,
    )
    planner = Planner(temporal, routes)
    attributes = RunAttributes(temporal)
    queues = Queues(temporal)
    tasks = Tasks.of(
        temporal, queues, planner, attributes, max_executions=settings.gateway_max_executions
    )
    executor = Executor(temporal, queues, tasks.starter, wait_s=settings.gateway_execute_wait_s)
    servicer = WorkerServicer(
        tasks,
        executor,
        ModuleLister(temporal, queues, routes, min_interval_s=settings.gateway_route_refresh_min_s),
        Schedules.of(temporal, attributes, routes, planner),
    )
    health = Health(SERVICE, interval_s=settings.gateway_health_interval_s)
    async with authentication(settings) as authenticator:
        server = _server(servicer, authenticator, settings)
        await health.serve_on(server)
        async with health_port(
            settings.gateway_health_address, health, setting="CONTEXTWORKER_GATEWAY_HEALTH_ADDRESS"
        ):
            health.ready()
            port = bind(server, settings)
            await server.start()
            _log.info("gateway listening on %s:%d", settings.address.rpartition(":")[0], port)
            tell_exposure(settings)
            beside = [
                asyncio.create_task(routes.run()),
                asyncio.create_task(attributes.run()),
                asyncio.create_task(health.watch(client)),
            ]
            try:
                yield port
            finally:
                await health.leave()
                tasks.watches.leave()
                executor.leave()
                await server.stop(settings.gateway_shutdown_grace_s)
                for task in beside:
                    task.cancel()
                await asyncio.wait(beside)
                _log.info("gateway stopped")


def _server(
    servicer: WorkerServicer, authenticator: Authenticator, settings: GatewaySettings
) -> grpc.aio.Server:
    server = grpc.aio.server(
        interceptors=[CallInterceptor(authenticator, Limiter(settings))],
        options=server_options(settings),
    )
    worker_pb2_grpc.add_WorkerServiceServicer_to_server(servicer, server)
    reflection.enable_server_reflection((SERVICE, HEALTH_SERVICE, reflection.SERVICE_NAME), server)
    return server
