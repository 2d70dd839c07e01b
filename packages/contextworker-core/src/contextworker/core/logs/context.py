"""What records say besides their sentence: whose work is in hand, and which."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from logging import LogRecord
from types import MappingProxyType
from typing import Final

from opentelemetry import trace
from structlog.typing import EventDict, WrappedLogger
from temporalio import activity, workflow

from contextworker.core.logs.redaction import redacted

_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_fields: ContextVar[Mapping[str, object]] = ContextVar("contextworker_log_fields", default=_NONE)
_modules: dict[str, str] = {}

# What the SDK and uvicorn put beside a record for formatters that are none of ours.
_NOT_SHOWN: Final = (
    "__temporal_error_identifier",
    "color_message",
    "temporal_activity",
    "temporal_log",
    "temporal_workflow",
)


def bound_fields() -> Mapping[str, object]:
    """Return what records of the work in hand say besides."""
    return _fields.get()


def set_log_fields(fields: Mapping[str, object]) -> None:
    """Have every record of this task, and of those it starts from now on, carry these fields."""
    _fields.set(fields)


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """Have every record inside the block carry these fields, besides those it has; None is none."""
    token = _fields.set(
        {**_fields.get(), **{name: value for name, value in fields.items() if value is not None}}
    )
    try:
        yield
    finally:
        # An evicted workflow's coroutine ends in whichever context collects it: as in use_origin.
        with suppress(ValueError):
            _fields.reset(token)


def name_queue(task_queue: str, module: str) -> None:
    """Note whose a task queue is: work that comes by it is the module's."""
    _modules[task_queue] = module


def add_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Begin a record with what every one has, and add what is known of the work in hand."""
    record: LogRecord = event["_record"]
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return {
        "timestamp": at.replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": event.pop("event"),
        "logger": record.name,
        **_work(),
        **_span(),
        **_fields.get(),
        **_native(event.get("temporal_log")),
        **{key: value for key, value in event.items() if key not in _NOT_SHOWN},
    }


def _work() -> dict[str, object]:
    if activity.in_activity():
        doing = activity.info()
        return {
            "workflow_id": doing.workflow_id,
            "run_id": doing.workflow_run_id,
            "workflow_type": doing.workflow_type,
            "activity": doing.activity_type,
            "attempt": doing.attempt,
            "module": _modules.get(doing.task_queue),
        }
    if workflow.in_workflow():
        running = workflow.info()
        return {
            "workflow_id": running.workflow_id,
            "run_id": running.run_id,
            "workflow_type": running.workflow_type,
            "attempt": running.attempt,
            "module": _modules.get(running.task_queue),
        }
    return {}


def _span() -> dict[str, object]:
    span = trace.get_current_span().get_span_context()
    return {"span_id": trace.format_span_id(span.span_id)} if span.is_valid else {}


def _native(log: object) -> dict[str, object]:
    """Return what the SDK's native code says besides; of a failure Python has its own record."""
    fields = getattr(log, "fields", None) or {}
    kept = {str(key): value for key, value in fields.items() if key != "failure"}
    return {"native": {k: redacted(str(v))[:200] for k, v in kept.items()}} if kept else {}
