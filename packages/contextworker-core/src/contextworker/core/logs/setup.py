"""Sets up the log of a process: once, at its start."""

import logging
import sys
import threading
from typing import Final, TextIO

import structlog
from temporalio import activity, workflow

from contextworker.core.logs.context import add_fields
from contextworker.core.logs.exceptions import add_exception
from contextworker.core.logs.formats import LogFormat
from contextworker.core.logs.rendering import console, json_line, redact
from contextworker.core.logs.stream import StderrHandler, standard_error

_log = logging.getLogger(__name__)

_LIBRARIES: Final = {
    # What these say below is every request, with addresses, headers and bodies.
    "aiosqlite": logging.WARNING,
    "asyncio": logging.WARNING,
    "grpc": logging.WARNING,
    "hpack": logging.WARNING,
    "h2": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpcore2": logging.WARNING,
    "httpx": logging.WARNING,
    "httpx2": logging.WARNING,
    "openai": logging.WARNING,
    "opentelemetry": logging.WARNING,
    "psycopg": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "urllib3": logging.WARNING,
    "alembic.runtime.plugins": logging.WARNING,  # it names its own parts
    "stamina": logging.ERROR,  # `connect` says it in its own words
    # The SDK's, with the results of activities and the details of heartbeats. Its loggers for code
    # of workflows and activities are not among them.
    "temporalio.bridge": logging.INFO,
    "temporalio.client": logging.INFO,
    "temporalio.converter": logging.INFO,
    "temporalio.service": logging.INFO,
    "temporalio.worker": logging.INFO,
}


def configure_logging(
    level: str, log_format: LogFormat = LogFormat.AUTO, *, no_color: bool = False
) -> None:
    """Log to standard error: for a person on a terminal, else one line of JSON a record.

    Records are those of Python's `logging`, from this project and any library, and of `structlog`,
    Python's warnings, and errors that end a thread or that Python ignores.

    Args:
        level: The least that is written; libraries that would write payloads or headers at DEBUG
            are held above it.
        log_format: The one to use wherever standard error goes.
        no_color: No colours on a terminal either.
    """
    stream = standard_error()
    handler = StderrHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.contextvars.merge_contextvars,
                add_fields,
                add_exception,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                _renderer(log_format, stream, no_color=no_color),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    # Python would write them as they come: over several lines, and with whatever values they quote.
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_ended
    sys.unraisablehook = _ignored
    # Each record has a field for it.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if not isinstance(ended.exc_value, SystemExit):
        name = ended.thread.name if ended.thread else "unnamed"
        _log.error("the thread %s ended by an error", name, exc_info=ended.exc_value)


def _ignored(ignored: "sys.UnraisableHookArgs") -> None:
    # Python's own words would be its `repr`.
    kind = type(ignored.object).__qualname__
    _log.warning("an error in a %s had nobody to go to", kind, exc_info=ignored.exc_value)


def _renderer(
    log_format: LogFormat, stream: TextIO, *, no_color: bool
) -> structlog.typing.Processor:
    on_terminal = stream.isatty()
    if log_format is LogFormat.JSON or (log_format is LogFormat.AUTO and not on_terminal):
        return json_line
    return console(colors=on_terminal and not no_color)
