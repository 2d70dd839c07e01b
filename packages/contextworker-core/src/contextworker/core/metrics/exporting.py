"""Serves a process's metrics: Temporal's own and ours, on an HTTP port of its own."""

import logging

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from contextworker.core.errors import ConfigurationError
from contextworker.core.logs.native import native_logging

# Each declares its instruments: the exporter must know their buckets when it begins.
from contextworker.core.metrics import (  # noqa: F401
    codec_server,
    gardener,
    gateway,
    harvest,
    sandbox,
    stores,
)
from contextworker.core.metrics.bounds import Bounds
from contextworker.core.metrics.instruments import Histogram, NoLabels, attach, declared
from contextworker.core.metrics.stores import DECRYPTION_FAILURES
from contextworker.core.settings import RuntimeSettings

_log = logging.getLogger(__name__)


def metrics_runtime(settings: RuntimeSettings) -> Runtime | None:
    """Serve the metrics at `http://host:port/metrics` for as long as the process runs.

    Names and units follow Prometheus' conventions (`_total`, `_seconds`). Make one runtime per
    process, before its first client: it brings a thread pool of its own.

    Args:
        settings: Where, and how many tenants and suppliers are told apart.

    Returns:
        The runtime to connect with; None where there are no metrics, for the SDK's default one.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    address = settings.metrics_address
    bounds = Bounds(tenants=settings.metrics_max_tenants, suppliers=settings.metrics_max_suppliers)
    if not address:
        attach(None, bounds)
        return None
    exporter = PrometheusConfig(
        bind_address=address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides={
            each.name: each.buckets for each in declared() if isinstance(each, Histogram)
        },
    )
    try:
        runtime = Runtime(
            telemetry=TelemetryConfig(
                metrics=exporter, logging=native_logging(), attach_service_name=False
            )
        )
    except ValueError as error:
        raise ConfigurationError(
            f"the metrics cannot be served on {address} (CONTEXTWORKER_METRICS_ADDRESS): it takes "
            f"an IP address and a free port, such as 127.0.0.1:9464 ({error})"
        ) from error
    attach(runtime.metric_meter, bounds)
    DECRYPTION_FAILURES.add(0, NoLabels())  # so that the first one is an increase
    _log.info("metrics on http://%s/metrics", address)
    return runtime
