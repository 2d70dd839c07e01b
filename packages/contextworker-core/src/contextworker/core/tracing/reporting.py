"""Exports spans; says once that a collector does not take them, and when it does again."""

import logging
from collections.abc import Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

_log = logging.getLogger(__name__)

# They tell of each attempt, and of each span that finds no room meanwhile.
_TALKATIVE: Final = (
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.sdk._shared_internal",
)


class Reporting(SpanExporter):
    """An exporter that tells of an outage when it begins, and when it is over."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._reason = _Reason()
        for name in _TALKATIVE:
            logging.getLogger(name).addFilter(self._reason)
        self._exporter = OTLPSpanExporter(endpoint=endpoint)
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch; it is lost where that fails."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                _log.info(
                    "traces go to %s again; %s spans were lost", self._endpoint, f"{self._lost:,}"
                )
            self._lost = 0
            return result
        if not self._lost:
            _log.warning(
                "traces cannot be exported to %s (%s): they are lost until it takes them; nothing "
                "else is affected",
                self._endpoint,
                self._reason.said,
            )
        self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        """Stop, and end an attempt that is under way."""
        self._exporter.shutdown()
        for name in _TALKATIVE:
            logging.getLogger(name).removeFilter(self._reason)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._exporter.force_flush(timeout_millis)


class _Reason(logging.Filter):
    """Takes the reason out of what the SDK logs, and lets nothing of it through."""

    said = "it does not answer"

    def filter(self, record: logging.LogRecord) -> bool:
        for argument in record.args or ():
            name = getattr(argument, "name", None)
            if isinstance(name, str):
                self.said = name
        return False
