"""A process's metrics for Prometheus: Temporal's own and ours, on one HTTP port of its own."""

from contextworker.core.metrics.bounds import OTHER, UNKNOWN
from contextworker.core.metrics.exporting import metrics_runtime
from contextworker.core.metrics.instruments import Counter, Gauge, Histogram, is_on
from contextworker.core.metrics.reporting import reporting

__all__ = [
    "OTHER",
    "UNKNOWN",
    "Counter",
    "Gauge",
    "Histogram",
    "is_on",
    "metrics_runtime",
    "reporting",
]
