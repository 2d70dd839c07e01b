"""The tracer that spans are made with: this process's own exporter's, or the host's."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.context import Context

SCOPE: Final = "contextworker"
"""The instrumentation scope of every span of this project."""

_NOTHING: Final = (trace.ProxyTracerProvider, trace.NoOpTracerProvider)

_trace_id: ContextVar[int] = ContextVar("contextworker_trace_id", default=0)
_span_id: ContextVar[int] = ContextVar("contextworker_span_id", default=0)


class UnitIds:
    """Makes ids as a provider does, but for a span that is to begin a unit's trace.

    It stands in for the provider's own in this project's tracer only: OpenTelemetry's API has no
    way to say which trace a span begins, and the host's spans are none of our business.
    """

    def __init__(self, own: Any) -> None:
        self._own = own

    def generate_trace_id(self) -> int:
        """Return the unit's trace, or a fresh one."""
        return _trace_id.get() or int(self._own.generate_trace_id())

    def generate_span_id(self) -> int:
        """Return the id that the span must have, or a fresh one."""
        return _span_id.get() or int(self._own.generate_span_id())

    def is_trace_id_random(self) -> bool:
        """Say that 56 bits of it are random, as they are of a UUIDv4."""
        return True


@dataclass
class _Known:
    """What the last call of `find_tracer` found, and the providers that this process made."""

    provider: trace.TracerProvider | None = None
    tracer: trace.Tracer | None = None
    own: trace.TracerProvider | None = None
    ended: WeakSet[trace.TracerProvider] = field(default_factory=WeakSet)


_known = _Known()


def find_tracer() -> trace.Tracer | None:
    """Return the tracer to make spans with; None where nothing is traced."""
    provider = _known.own or trace.get_tracer_provider()
    if isinstance(provider, _NOTHING) or provider in _known.ended:
        return None
    if provider is not _known.provider:
        tracer = provider.get_tracer(SCOPE)
        ids = getattr(tracer, "id_generator", None)
        if ids is not None and not isinstance(ids, UnitIds):
            tracer.id_generator = UnitIds(ids)  # type: ignore[attr-defined] # the SDK's tracer has it
        _known.provider, _known.tracer = provider, tracer
    return _known.tracer


def exports() -> bool:
    """Tell whether this process exports traces of its own accord."""
    return _known.own is not None


def begin_exporting(provider: trace.TracerProvider) -> None:
    """Make spans with a provider from now on; libraries that ask OpenTelemetry get it, too."""
    _known.own = provider
    if isinstance(trace.get_tracer_provider(), _NOTHING):
        trace.set_tracer_provider(provider)


def end_exporting() -> None:
    """Make no more spans with it."""
    if _known.own is not None:
        _known.ended.add(_known.own)  # it may stay OpenTelemetry's own: that is set once only
    _known.own = None


def start(
    tracer: trace.Tracer,
    name: str,
    *,
    context: Context,
    trace_id: int = 0,
    span_id: int = 0,
    **more: Any,
) -> trace.Span:
    """Start a span, with given ids where it has them; `more` is as `Tracer.start_span` takes it."""
    trace_token, span_token = _trace_id.set(trace_id), _span_id.set(span_id)
    try:
        return tracer.start_span(
            name, context, record_exception=False, set_status_on_exception=False, **more
        )
    finally:
        _span_id.reset(span_token)
        _trace_id.reset(trace_token)
