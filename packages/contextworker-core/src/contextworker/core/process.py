"""The shared entry point of every process here: logging, signals, exit codes."""

import asyncio
import atexit
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from temporalio.runtime import Runtime

from contextworker.core.errors import ContextWorkerError, TransientError
from contextworker.core.health import health_server
from contextworker.core.logs.redaction import redacted
from contextworker.core.logs.setup import configure_logging
from contextworker.core.metrics import metrics_runtime
from contextworker.core.payload_cleaning import cleaning
from contextworker.core.process_client import connect_process
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import RuntimeSettings, WorkerSettings
from contextworker.core.tracing.exporting import exporting
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
        runtime = metrics_runtime(settings)
        with exporting(*_service(modules)):
            while not stop.is_set():
                try:
                    await _work(modules, settings, stop, runtime)
                except* TransientError as error:
                    _log.warning("%s; starting again", "; ".join(map(str, _leaves(error))))
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), _RESTART_PAUSE_S)

    run_process(serve)


def _service(modules: Sequence[ModuleConfig]) -> tuple[str, str]:
    """Return a worker's name and version in traces."""
    if len(modules) == 1:
        return modules[0].distribution, modules[0].version
    return "contextworker-workers", ""


async def _work(
    modules: Sequence[ModuleConfig],
    settings: WorkerSettings,
    stop: asyncio.Event,
    runtime: Runtime | None,
) -> None:
    connecting = asyncio.create_task(
        connect_process(settings, *shared_modules(modules), runtime=runtime)
    )
    await _first(connecting, stop)
    if not connecting.done():
        connecting.cancel()
        return
    client = await connecting
    async with health_server(settings.health_address, client) as health, cleaning(settings):
        await run_worker(client, modules, settings, stop=stop, on_ready=health.ready)


def run_process(
    serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a service to its end and exit: 0 after a signal, 1 with a sentence after an error.

    The first SIGTERM or SIGINT sets the event, on which `serve` should drain and return; a second
    one ends the process at once.

    The process ends in here: nothing that stands after the call, nor a caller's `finally`, runs.

    Args:
        serve: Called with that event.
        loop_factory: Makes another event loop than asyncio's own.
    """
    code = 0
    try:
        settings = RuntimeSettings()
        configure_logging(settings.log_level, settings.log_format, no_color=bool(settings.no_color))
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_serve(serve))
    except* ContextWorkerError as group:
        for error in _leaves(group):
            with suppress(OSError):  # nobody may be left to read it
                print(f"error: {redacted(str(error))}", file=sys.stderr)  # noqa: T201 - a person reads this
        code = EXIT_FAILURE
    except* Exception as group:  # noqa: BLE001 - the process ends with it
        for error in _leaves(group):
            kind = type(error).__name__
            _log.critical("the process ends by an error nobody foresaw: %s", kind, exc_info=error)
        code = EXIT_FAILURE
    _end(code)


def _end(code: int) -> NoReturn:
    """End without taking the interpreter apart: what was to be done by then is done.

    Temporal's native runtime, when it is taken apart, waits for its threads; one of them may be
    about to log, for which it waits for the interpreter. Such a process would never end.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way to what libraries leave to do
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # there may be none, or nobody who reads it
            stream.flush()
    os._exit(code)


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
