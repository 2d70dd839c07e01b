"""Spans inside what is traced already, and how one says that it failed."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, use_span
from opentelemetry.util.types import AttributeValue

from contextworker.core.tracing.tracer import find_tracer

Attributes = Mapping[str, AttributeValue]

_NONE: Final[Attributes] = {}


@contextmanager
def span(
    name: str, attributes: Attributes = _NONE, *, client: bool = False, current: bool = True
) -> Iterator[Span]:
    """Make a span of the block, inside the span in hand; nothing where there is none.

    Attributes hold names and counts: never a payload, a secret, or an address with a query.

    Args:
        name: What is done, of a small set: no ids.
        attributes: What is known beforehand.
        client: Whether it is a call of another system.
        current: Whether it is the span in hand meanwhile; not in a generator, which is left and
            entered again.
    """
    tracer = find_tracer()
    if tracer is None or not trace.get_current_span().get_span_context().is_valid:
        yield INVALID_SPAN
        return
    inner = tracer.start_span(
        name,
        kind=SpanKind.CLIENT if client else SpanKind.INTERNAL,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    )
    try:
        with _in_hand(inner) if current else nullcontext():
            yield inner
    except GeneratorExit:  # somebody has seen enough
        raise
    except BaseException as error:
        failed(inner, error)
        raise
    finally:
        inner.end()


def _in_hand(inner: Span) -> AbstractContextManager[Span]:
    return use_span(inner, record_exception=False, set_status_on_exception=False)


def failed(span: Span, error: BaseException, *, kind: str | None = None) -> None:
    """Say on a span that it failed, and with what: by the error's type, for messages hold values.

    Args:
        span: The span.
        error: What was raised.
        kind: The type, where it is not the class's name.
    """
    kind = kind or type(error).__name__
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR, kind)
