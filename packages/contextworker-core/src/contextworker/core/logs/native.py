"""What Temporal's native code says, as records like all others."""

import logging
from functools import cache

from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig


def native_logging() -> LoggingConfig:
    """Return how a runtime logs: what the SDK's native code says goes to Python's `logging`."""
    return LoggingConfig(
        filter=LoggingConfig.default.filter,
        forwarding=LogForwardingConfig(
            logger=logging.getLogger("temporalio.core"),
            append_log_fields_to_message=False,  # they may quote an error at any length
            append_target_to_name=False,
            prepend_target_on_message=False,
        ),
    )


@cache
def logging_runtime() -> Runtime:
    """Return this process's runtime that does nothing but log, as the SDK's default one does."""
    return Runtime(telemetry=TelemetryConfig(logging=native_logging()))
