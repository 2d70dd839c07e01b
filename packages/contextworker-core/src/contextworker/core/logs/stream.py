"""Standard error as records go there: whatever becomes of it, the process goes on."""

import errno
import logging
import os
import sys
from contextlib import suppress
from typing import TextIO

from temporalio import workflow

_CLOSED = (errno.EPIPE, errno.EBADF)
_SDK = os.path.join("temporalio", "worker", "")  # noqa: PTH118 - a part of a path, as records have it


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes records; one that cannot be written is left out, and what is replayed is not."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, but for what a workflow said before, when its history is played again."""
        if not (_replayed(record) or _tells_payloads(record)):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Go on; Python's own would print the record's arguments, and can raise.

        A reader that is gone stays gone: what is written from then on, also by others and as the
        interpreter exits, goes nowhere, rather than fail each time.
        """
        error = sys.exc_info()[1]
        with suppress(Exception):
            if isinstance(error, OSError):
                if error.errno in _CLOSED and self.stream is sys.stderr:
                    _discard(self.stream.fileno())
            elif not self.stream.closed:
                self.stream.write(self.format(_unwritable(record, error)) + self.terminator)
                self.flush()


def _replayed(record: logging.LogRecord) -> bool:
    return (
        workflow.in_workflow()
        and workflow.unsafe.is_replaying_history_events()
        # What the SDK itself has to say of a replay is nothing that was said before.
        and not record.name.startswith("temporalio.worker")
    )


def _tells_payloads(record: logging.LogRecord) -> bool:
    # The SDK's DEBUG has results and heartbeats, also by the logger for code of activities.
    return record.levelno < logging.INFO and _SDK in record.pathname


def standard_error() -> TextIO:
    """Return standard error, or what takes its place in a process that was started without one."""
    return sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - as is


def _unwritable(record: logging.LogRecord, error: BaseException | None) -> logging.LogRecord:
    return logging.LogRecord(
        record.name,
        logging.ERROR,
        record.pathname,
        record.lineno,
        "the record of line %d of %s cannot be written: %s",
        (record.lineno, record.pathname, type(error).__name__),
        None,
    )


def _discard(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != descriptor:  # as it is where the descriptor itself was closed: the first free one
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
