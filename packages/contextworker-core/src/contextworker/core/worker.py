"""Runs the workers of one or many modules in one process, with one client."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.util import find_spec

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from contextworker.core.deployment import announce, deployment_config
from contextworker.core.errors import ConfigurationError, TransientError
from contextworker.core.logs.context import name_queue
from contextworker.core.registry import Activity, ModuleConfig
from contextworker.core.settings import WorkerSettings
from contextworker.core.uncounted import take_back_with
from contextworker.core.versions import refuse_shared_version, version_of

_log = logging.getLogger(__name__)
# Live progress is read off heartbeats, so they go out every second; the SDK's own choice is 80 %
# of the heartbeat timeout.
_HEARTBEAT_INTERVAL = timedelta(seconds=1)
# How long a run waits for the worker that knew it last, before any other takes it over.
_OUTAGES = ("Unavailable", "Cancelled", "DeadlineExceeded")
_STICKY_TIMEOUT = timedelta(seconds=5)


def shared_modules(modules: Iterable[ModuleConfig]) -> list[str]:
    """Name the message modules that workflow code shares with the outside: see `ContextPlugin`."""
    siblings = {
        f"{route.workflow.__module__.rpartition('.')[0]}.messages"
        for module in modules
        for route in module.routes
        if "." in route.workflow.__module__
    }
    return sorted(name for name in siblings if find_spec(name) is not None)


async def run_worker(
    client: Client,
    modules: Sequence[ModuleConfig],
    settings: WorkerSettings,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Run the modules' workers until `stop` is set, then drain within the grace period.

    Args:
        client: A connected client with the `ContextPlugin`.
        modules: Each gets a Worker of its own on its own task queue.
        settings: Grace period, concurrency, versioning.
        stop: Set it to stop polling; running activities may finish within the grace period.
        on_ready: Called once every module polls and its routes are announced.

    Raises:
        ConfigurationError: Temporal refuses a worker (an unknown namespace, for one), or the
            settings name one version for several modules.
        TransientError: Temporal went away before a worker could begin.
        Exception: Whatever ended a worker for good; the others are stopped first.
    """
    refuse_shared_version(modules, settings)
    take_back_with(client)
    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(_open_worker(client, module, settings))
            for module in modules
        ]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(_run(worker)) for worker in workers]
            announcing = tasks.create_task(_announce(client, modules, settings, on_ready))
            await _until(stop, running)
            announcing.cancel()
            # Also where one has not begun yet: it then stops as soon as it has.
            await asyncio.gather(*(worker.shutdown() for worker in workers))


async def _until(stop: asyncio.Event, running: Sequence[asyncio.Task[None]]) -> None:
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({stopped, *running}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()


async def _run(worker: Worker) -> None:
    try:
        await worker.run()
    except RuntimeError as error:
        if "validation failed" not in str(error):
            raise
        if any(f"code: {code}" in str(error) for code in _OUTAGES):
            raise TransientError(f"Temporal went away while the worker started: {error}") from error
        raise ConfigurationError(
            f"Temporal refuses the worker of task queue {worker.task_queue!r} "
            f"in namespace {worker.client.namespace!r}: {error}"
        ) from error


async def _announce(
    client: Client,
    modules: Sequence[ModuleConfig],
    settings: WorkerSettings,
    on_ready: Callable[[], None],
) -> None:
    if settings.versioning:
        await asyncio.gather(*(announce(client, module, settings) for module in modules))
    for module in modules:
        types = ", ".join(route.workflow_type for route in module.routes)
        build_id = version_of(module, settings).build_id
        unversioned = "" if settings.versioning else " (worker versioning is off)"
        _log.info(
            "module %s %s polls %s: %s%s", module.name, build_id, module.queue, types, unversioned
        )
    on_ready()


@asynccontextmanager
async def _open_worker(
    client: Client, module: ModuleConfig, settings: WorkerSettings
) -> AsyncIterator[Worker]:
    build_id = version_of(module, settings).build_id
    at_once = module.max_concurrent_activities or settings.max_concurrent_activities
    async with _open_activities(module) as activities:
        name_queue(module.queue, module.name)
        with ThreadPoolExecutor(at_once, thread_name_prefix=f"{module.name}-activity") as threads:
            yield Worker(
                client,
                task_queue=module.queue,
                workflows=[route.workflow for route in module.routes],
                activities=activities,
                activity_executor=threads,
                identity=f"{module.name}@{build_id}:{socket.gethostname()}:{os.getpid()}",
                deployment_config=deployment_config(module, settings),
                graceful_shutdown_timeout=timedelta(seconds=settings.shutdown_grace_s),
                max_concurrent_activities=at_once,
                disable_eager_activity_execution=module.spread_activities,
                max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
                max_heartbeat_throttle_interval=_HEARTBEAT_INTERVAL,
                sticky_queue_schedule_to_start_timeout=_STICKY_TIMEOUT,
                workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
                activity_task_poller_behavior=PollerBehaviorAutoscaling(),
            )


@asynccontextmanager
async def _open_activities(module: ModuleConfig) -> AsyncIterator[Sequence[Activity]]:
    if callable(module.activities):
        async with module.activities() as activities:
            yield activities
    else:
        yield module.activities
