"""A process's one client, put together from its settings."""

from temporalio.client import Client
from temporalio.runtime import Runtime

from contextworker.core.connection import connect
from contextworker.core.logs.native import logging_runtime
from contextworker.core.payloads import data_converter
from contextworker.core.settings import RuntimeSettings
from contextworker.core.tracing.interceptor import interceptors


async def connect_process(
    settings: RuntimeSettings, *shared_modules: str, runtime: Runtime | None, lazy: bool = False
) -> Client:
    """Connect to Temporal with what the settings say of values, traces and metrics.

    Args:
        settings: The process's own.
        shared_modules: See `ContextPlugin`.
        runtime: See `metrics_runtime`.
        lazy: See `connect`.
    """
    return await connect(
        *shared_modules,
        runtime=runtime or logging_runtime(),
        lazy=lazy,
        data_converter=data_converter(settings),
        interceptors=interceptors(),
    )
