"""A process's export of traces: begun from its settings, flushed at its end."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from contextworker.core.errors import ConfigurationError
from contextworker.core.tracing.settings import TracingSettings
from contextworker.core.tracing.tracer import begin_exporting, end_exporting

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from contextworker.core.tracing.reporting import Reporting

_log = logging.getLogger(__name__)

FLUSH_S: Final = 5.0
"""How long a process that ends waits for its last spans to be taken."""


@contextmanager
def exporting(service: str, version: str = "") -> Iterator[None]:
    """Export what is traced while the block runs, if OpenTelemetry's environment says where to.

    Args:
        service: The service's name, where OTEL_SERVICE_NAME gives none.
        version: The service's version.

    Raises:
        ConfigurationError: A setting cannot be, or what exports is not installed.
    """
    settings = TracingSettings()
    if settings.endpoint is None:
        yield
        return
    try:
        from contextworker.core.tracing.provider import make_provider  # noqa: PLC0415 - the extra
    except ImportError as error:
        raise ConfigurationError(
            f"traces are to go to {settings.endpoint}, but what exports them is not installed: "
            "install contextworker-core[otlp], or set OTEL_SDK_DISABLED=true"
        ) from error
    provider, exporter = make_provider(settings, service=service, version=version)
    begin_exporting(provider)
    _log.info("traces go to %s", settings.endpoint)
    try:
        yield
    finally:
        end_exporting()
        _flush(provider, exporter)


def _flush(provider: "TracerProvider", exporter: "Reporting") -> None:
    """Wait for the last spans, within a bound: a collector that is silent must hold up nobody."""
    flushing = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
    flushing.start()
    flushing.join(FLUSH_S)
    if flushing.is_alive():
        exporter.shutdown()
        flushing.join(1)
