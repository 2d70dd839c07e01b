"""Counters, gauges and histograms with typed labels, registered beside the SDK's own.

An instrument is declared once, at the top of a module; until a process exports metrics, using it
does nothing. Names are written as Prometheus has them, with their unit, but for the `_total` of
counters, which the exporter adds.
"""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

from temporalio.common import (
    MetricCounter,
    MetricGaugeFloat,
    MetricHistogramFloat,
    MetricMeter,
)

from contextworker.core.metrics.bounds import OTHER, Bound, Bounds

Labels = TypeVar("Labels", bound=tuple[str, ...])
"""A NamedTuple of strings: its fields are the names of the labels."""

Native = TypeVar("Native", MetricCounter, MetricGaugeFloat, MetricHistogramFloat)


class NoLabels(NamedTuple):
    """Of an instrument that a process has once."""


class _Process:
    """What the instruments of this process write to."""

    meter: MetricMeter | None = None
    bounds: Bounds = Bounds(tenants=0, suppliers=0)


_INSTRUMENTS: Final[dict[str, "Instrument[Any, Any]"]] = {}


class Instrument(Generic[Labels, Native]):
    """A metric of this project."""

    kind: ClassVar[str]

    def __init__(self, name: str, description: str, labels: type[Labels]) -> None:
        """Declare the metric.

        Args:
            name: With the prefix `contextworker_` and its unit, without `_total`.
            description: One sentence, which Prometheus shows as help.
            labels: The NamedTuple of its labels.
        """
        if name in _INSTRUMENTS:
            raise ValueError(f"two instruments are named {name}")
        self.name = name
        self.description = description
        self.labels: tuple[str, ...] = labels._fields  # type: ignore[attr-defined] # a NamedTuple
        self._native: Native | None = None
        self._bounds: tuple[Bound, ...] = ()
        self._series: dict[tuple[str, ...], Native] = {}
        _INSTRUMENTS[name] = self

    @property
    def exported_name(self) -> str:
        """As Prometheus has it."""
        return self.name

    def forget(self) -> None:
        """Drop what was made for another meter."""
        self._native = None
        self._series = {}

    def _make(self, meter: MetricMeter) -> Native:
        raise NotImplementedError

    def _of(self, labels: Labels) -> tuple[Native, tuple[str, ...]]:
        """Return the series of some labels, each within its bound, and what they became."""
        series = self._series.get(labels)
        if series is not None:  # within every bound
            return series, labels
        if self._native is None:
            assert _Process.meter is not None
            # Bounds first: other threads take them as made once there is a native instrument.
            self._bounds = tuple(_Process.bounds.of(label) for label in self.labels)
            self._native = self._make(_Process.meter)
        values = tuple([bound.of(value) for bound, value in zip(self._bounds, labels, strict=True)])
        series = self._series.get(values)
        if series is None:
            attributes = dict(zip(self.labels, values, strict=True))
            series = self._native.with_additional_attributes(attributes)
            self._series[values] = series
        return series, values


class Counter(Instrument[Labels, MetricCounter]):
    """Counts what happened since the process began."""

    kind = "counter"

    @property
    def exported_name(self) -> str:
        """As Prometheus has it."""
        return f"{self.name}_total"

    def add(self, amount: int, labels: Labels) -> None:
        """Count so many; 0 only makes the series, so that its first increase is seen as one."""
        if _Process.meter is not None:
            self._of(labels)[0].add(amount)

    def _make(self, meter: MetricMeter) -> MetricCounter:
        return meter.create_counter(self.name, self.description)


class Gauge(Instrument[Labels, MetricGaugeFloat]):
    """Tells how something stands."""

    kind = "gauge"

    def set(self, value: float, labels: Labels) -> None:
        """Tell a value; what is beyond a label's bound is left out, for it would mix things up."""
        if _Process.meter is None:
            return
        series, values = self._of(labels)
        if OTHER not in values:
            series.set(value)

    def _make(self, meter: MetricMeter) -> MetricGaugeFloat:
        return meter.create_gauge_float(self.name, self.description)


class Histogram(Instrument[Labels, MetricHistogramFloat]):
    """Tells how long, or how much, each of many things was."""

    kind = "histogram"

    def __init__(
        self, name: str, description: str, labels: type[Labels], *, buckets: Sequence[float]
    ) -> None:
        """Declare the metric, with the upper bounds of its buckets."""
        super().__init__(name, description, labels)
        self.buckets = tuple(buckets)

    def record(self, value: float, labels: Labels) -> None:
        """Add one observation."""
        if _Process.meter is not None:
            self._of(labels)[0].record(value)

    def _make(self, meter: MetricMeter) -> MetricHistogramFloat:
        return meter.create_histogram_float(self.name, self.description)


def is_on() -> bool:
    """Tell whether this process exports metrics: else nothing need be found out for them."""
    return _Process.meter is not None


def declared() -> Iterator[Instrument[Any, Any]]:
    """Yield every instrument that was declared, by name."""
    return iter(sorted(_INSTRUMENTS.values(), key=lambda instrument: instrument.name))


def attach(meter: MetricMeter | None, bounds: Bounds) -> None:
    """Let the instruments of this process write to a meter; None switches them off."""
    _Process.meter = meter
    _Process.bounds = bounds
    for instrument in _INSTRUMENTS.values():
        instrument.forget()
