"""A process's metrics for Prometheus: Temporal's own, on an HTTP port of its own."""

import logging

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from contextworker.core.errors import ConfigurationError

_log = logging.getLogger(__name__)


def metrics_runtime(address: str) -> Runtime | None:
    """Serve the SDK's metrics at `http://host:port/metrics` for as long as the process runs.

    Names and units follow Prometheus' conventions (`_total`, `_seconds`). Make one runtime per
    process, before its first client: it brings a thread pool of its own.

    Args:
        address: host:port, the host as an IP address; empty for no metrics.

    Returns:
        The runtime to connect with; None where there are no metrics, for the SDK's default one.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    if not address:
        return None
    exporter = PrometheusConfig(
        bind_address=address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    try:
        runtime = Runtime(telemetry=TelemetryConfig(metrics=exporter))
    except ValueError as error:
        raise ConfigurationError(
            f"the metrics cannot be served on {address} (CONTEXTWORKER_METRICS_ADDRESS): it takes "
            f"an IP address and a free port, such as 127.0.0.1:9464 ({error})"
        ) from error
    _log.info("metrics on http://%s/metrics", address)
    return runtime
