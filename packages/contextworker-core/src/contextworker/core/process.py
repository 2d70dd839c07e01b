"""The shared entry point of every process here: logging, signals, exit codes."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from temporalio.runtime import Runtime

from contextworker.core.connection import connect
from contextworker.core.errors import ContextWorkerError, TransientError
from contextworker.core.health import health_server
from contextworker.core.metrics import metrics_runtime
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import RuntimeSettings, WorkerSettings
from contextworker.core.worker import run_worker, shared_modules

_log = logging.getLogger(__name__)
EXIT_FAILURE = 1
_RESTART_PAUSE_S = 2


def run_module_worker(module: ModuleConfig) -> None:
    """Run one module's worker until a signal: the whole body of a module's `main`."""
    run_module_workers([module])


def run_module_workers(modules: Sequence[ModuleConfig]) -> None:
    """Run the workers of several modules in this process until a signal."""

    async def serve(stop: asyncio.Event) -> None:
        settings = WorkerSettings()
        runtime = metrics_runtime(settings.metrics_address)
        while not stop.is_set():
            try:
                await _work(modules, settings, stop, runtime)
            except* TransientError as error:
                _log.warning("%s; starting again", "; ".join(map(str, _leaves(error))))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _RESTART_PAUSE_S)

    run_process(serve)


async def _work(
    modules: Sequence[ModuleConfig],
    settings: WorkerSettings,
    stop: asyncio.Event,
    runtime: Runtime | None,
) -> None:
    connecting = asyncio.create_task(connect(*shared_modules(modules), runtime=runtime))
    await _first(connecting, stop)
    if not connecting.done():
        connecting.cancel()
        return
    client = await connecting
    async with health_server(settings.health_address, client) as health:
        await run_worker(client, modules, settings, stop=stop, on_ready=health.ready)


def run_process(
    serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a service to its end and exit: 0 after a signal, 1 with a sentence after an error.

    The first SIGTERM or SIGINT sets the event, on which `serve` should drain and return; a second
    one ends the process at once.

    Args:
        serve: Called with that event.
        loop_factory: Makes another event loop than asyncio's own.
    """
    code = 0
    try:
        configure_logging(RuntimeSettings().log_level)
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_serve(serve))
    except* ContextWorkerError as group:
        for error in _leaves(group):
            print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a person reads this
        code = EXIT_FAILURE
    # Temporal's native runtime can crash an interpreter that exits with its objects still alive.
    gc.collect()
    sys.exit(code)


def configure_logging(level: str) -> None:
    """Log to standard error, one line a record."""
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    logging.getLogger("stamina").setLevel(logging.ERROR)  # `connect` says it in its own words


async def _serve(serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    with _signals(stop):
        await serve(stop)


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    stopping = False

    def on_signal(number: int, _frame: object) -> None:
        # Not loop.add_signal_handler: Windows lacks it, and a busy loop would delay the second one.
        nonlocal stopping
        name = signal.Signals(number).name
        if stopping:
            sys.stderr.write(f"{name} again: stopping now\n")
            os._exit(128 + number)
        stopping = True
        loop.call_soon_threadsafe(stop.set)
        # Not here: what the signal interrupted may be writing a log line itself.
        loop.call_soon_threadsafe(
            _log.info, "%s: finishing what runs; send it again to stop at once", name
        )

    previous = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


async def _first(task: asyncio.Task[Any], stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
