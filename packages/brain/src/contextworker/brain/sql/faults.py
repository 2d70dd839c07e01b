"""Database errors as sentences, sorted by whether trying again may help."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from contextworker.core.errors import (
    ConfigurationError,
    ContextWorkerError,
    PermanentError,
    TransientError,
)

# SQLSTATE classes of the moment: connection, rollback (deadlock), resources, locks, shutdown, disk.
_TRANSIENT_CLASSES = ("08", "40", "53", "55", "57", "58")
_READ_ONLY_STANDBY = "25006"  # a failover is under way
# Authorisation, no such database, no such schema, no right to it.
_OPERATOR_STATES = ("28", "3D", "3F", "42501")
_NO_TABLE = ("42P01", "42703")
_SQLITE_FILE = ("SQLITE_CANTOPEN", "SQLITE_NOTADB", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_CORRUPT")
# libpq gives no SQLSTATE for a refused connection, only the server's words.
_REFUSALS = ("authentication failed", "no pg_hba.conf entry", "does not exist", "not permitted")


@contextmanager
def in_sentences(name: str, driver_error: type[Exception]) -> Iterator[None]:
    """Turn what SQLAlchemy, or the database driver past it, raises inside into our errors."""
    try:
        yield
    except driver_error as error:
        wrapped = DBAPIError.instance("", (), error, driver_error)
        assert isinstance(wrapped, SQLAlchemyError)
        # Not `from`: of a COPY the driver quotes the row.
        raise _translate(wrapped, name) from None
    except SQLAlchemyError as error:
        translated = _translate(error, name)
        if isinstance(translated, TransientError):
            # Not `from`: Temporal shows the last failure of an activity that is tried again only
            # up to 4 KB, and the statement and two drivers' stacks are more.
            raise translated from None
        raise translated from error


def _translate(error: SQLAlchemyError, name: str) -> ContextWorkerError:
    if isinstance(error, PoolTimeoutError):
        return TransientError(
            f"every connection to the Brain at {name} is busy; raise BRAIN_POOL_SIZE if this stays"
        )
    if not isinstance(error, DBAPIError) or error.orig is None:
        return PermanentError(f"the Brain at {name} cannot store this: {_first_line(error)}")
    cause = error.orig
    said = _first_line(cause)
    if _lacks_schema(cause):
        return ConfigurationError(
            f"the Brain at {name} lacks its tables ({said}); "
            "run `python -m contextworker.brain` or set BRAIN_MIGRATE=on"
        )
    if _is_for_operator(cause):
        return ConfigurationError(f"the Brain at {name} cannot be opened: {said}")
    if _is_transient(error, cause):
        return TransientError(f"the Brain at {name} does not answer now: {said}")
    return PermanentError(f"the Brain at {name} refuses this: {said}")


def _lacks_schema(cause: BaseException) -> bool:
    return _state(cause) in _NO_TABLE or str(cause).startswith("no such table")


def _is_for_operator(cause: BaseException) -> bool:
    state = _state(cause)
    if state is not None:
        return state.startswith((*_OPERATOR_STATES, *_SQLITE_FILE, "SQLITE_READONLY"))
    return any(words in str(cause) for words in _REFUSALS)


def _is_transient(error: DBAPIError, cause: BaseException) -> bool:
    state = _state(cause)
    if state is None or state.startswith("SQLITE"):
        return isinstance(error, OperationalError) or error.connection_invalidated
    return state.startswith(_TRANSIENT_CLASSES) or state == _READ_ONLY_STANDBY


def _state(cause: BaseException) -> str | None:
    """Return PostgreSQL's SQLSTATE or SQLite's result code, where the driver tells one."""
    state = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return state if isinstance(state, str) else None


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
