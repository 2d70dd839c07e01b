"""Metrics of a test's own process, read as Prometheus reads them."""

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from contextworker.core.metrics import metrics_runtime
from contextworker.core.metrics.bounds import Bounds
from contextworker.core.metrics.instruments import attach
from contextworker.core.settings import RuntimeSettings
from contextworker.core.testing.server import free_port

_SAMPLE = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Exported:
    """What this process exports."""

    address: str

    def text(self) -> str:
        """Return the page."""
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=10) as answer:  # nosec B310 # http only
            return str(answer.read().decode())

    def samples(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and values of a metric's series that have some labels."""
        found = []
        for line in self.text().splitlines():
            sample = _SAMPLE.fullmatch(line)
            if sample is None or sample["name"] != name:
                continue
            own = dict(_LABEL.findall(sample["labels"] or ""))
            if labels.items() <= own.items():
                found.append((own, float(sample["value"])))
        return found

    def total(self, name: str, **labels: str) -> float:
        """Add those values up."""
        return sum(value for _, value in self.samples(name, **labels))


@contextmanager
def exported_metrics(*, tenants: int = 100, suppliers: int = 1000) -> Iterator[Exported]:
    """Export this process's metrics while the block runs; instruments are off afterwards."""
    address = f"127.0.0.1:{free_port()}"
    settings = RuntimeSettings(
        metrics_address=address, metrics_max_tenants=tenants, metrics_max_suppliers=suppliers
    )
    runtime = metrics_runtime(settings)
    assert runtime is not None
    try:
        yield Exported(address)
    finally:
        attach(None, Bounds(tenants=0, suppliers=0))
