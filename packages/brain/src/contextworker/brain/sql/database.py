"""One database and its transactions, the same to the store whichever it is."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import stamina
from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from contextworker.brain.settings import BrainSettings
from contextworker.brain.sql.faults import in_sentences
from contextworker.brain.sql.search import FOLD, fold
from contextworker.brain.sql.tenancy import bind
from contextworker.brain.sql.urls import BrainUrl
from contextworker.core.errors import ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")

# Of libpq. A server whose machine or network went silent closes nothing, and Linux would wait two
# hours for its answer; pings find that out within half a minute.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_DUMP_JSON = partial(json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Database:
    """Transactions on an engine, with errors said in sentences.

    A transaction that has begun is finished even where its caller is cancelled, and only then does
    the caller go: a connection abandoned in mid-statement would keep its locks (SQLite's is on the
    whole file). The wait is bounded by the statement timeout.
    """

    def __init__(self, engine: AsyncEngine, name: str) -> None:
        self.name = name
        self.dialect = engine.dialect.name
        driver = engine.dialect.loaded_dbapi
        assert driver is not None
        self._driver_error: type[Exception] = driver.Error
        self._reader = engine
        self._writer = engine.execution_options(brain_writes=True)

    async def read(
        self,
        work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run work that only reads in a transaction of no tenant."""
        return await _to_the_end(self._transact(self._reader, None, work, *args, **kwargs))

    async def write(
        self,
        work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run work in a transaction of no tenant: committed after it, undone on an error."""
        return await _to_the_end(self._transact(self._writer, None, work, *args, **kwargs))

    async def read_as(
        self,
        tenant_id: str,
        work: Callable[Concatenate[AsyncConnection, str, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run work that only reads in a transaction that sees one tenant's rows."""
        bound = self._transact(self._reader, tenant_id, work, tenant_id, *args, **kwargs)
        return await _to_the_end(bound)

    async def write_as(
        self,
        tenant_id: str,
        work: Callable[Concatenate[AsyncConnection, str, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run work in a transaction of one tenant: committed after it, undone on an error."""
        bound = self._transact(self._writer, tenant_id, work, tenant_id, *args, **kwargs)
        return await _to_the_end(bound)

    @asynccontextmanager
    async def reading_as(self, tenant_id: str) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees one tenant's rows, for what is read piece by piece."""
        with in_sentences(self.name, self._driver_error):
            async with self._reader.begin() as connection:
                await bind(connection, tenant_id)
                yield connection

    async def _transact(
        self,
        engine: AsyncEngine,
        tenant_id: str | None,
        work: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with in_sentences(self.name, self._driver_error):
            async with engine.begin() as connection:
                if tenant_id is not None:
                    await bind(connection, tenant_id)
                return await work(connection, *args, **kwargs)


async def _to_the_end(coroutine: Coroutine[Any, Any, T]) -> T:
    task = asyncio.create_task(coroutine)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


@asynccontextmanager
async def open_database(url: BrainUrl, settings: BrainSettings) -> AsyncIterator[Database]:
    """Open a connection pool and close it on leaving."""
    if url.path is not None:
        _make_folder(url)
        engine = _sqlite(url.engine_url, settings)
    else:
        engine = _postgresql(url.engine_url, settings)
    try:
        yield Database(engine, url.name)
    finally:
        await engine.dispose()


def _make_folder(url: BrainUrl) -> None:
    assert url.path is not None
    try:
        url.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the folder of the Brain at {url.name} cannot be made: {error.strerror}"
        ) from error


def _engine(url: URL, settings: BrainSettings, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.statement_timeout_s,
        # Errors end up in histories and logs: they carry no supplier's data.
        hide_parameters=True,
        json_serializer=_DUMP_JSON,
        **options,
    )


def _postgresql(url: URL, settings: BrainSettings) -> AsyncEngine:
    given = url.query.get("options", "")
    timeout = f"-c statement_timeout={int(settings.statement_timeout_s * 1000)}"
    options = f"{given if isinstance(given, str) else ' '.join(given)} {timeout}".strip()
    url = url.update_query_dict({"options": options})
    url = url.set(query={**_PATIENCE, **url.query})
    # A pooled connection may have died with the server that has since come back.
    return _engine(url, settings, pool_pre_ping=True)


def _sqlite(url: URL, settings: BrainSettings) -> AsyncEngine:
    # With isolation_level None the driver begins nothing by itself; `begin` below does.
    engine = _engine(url, settings, connect_args={"isolation_level": None})
    busy_ms = int(settings.statement_timeout_s * 1000)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {busy_ms}")
        _switch_to_wal(cursor, within_s=settings.statement_timeout_s)
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
        connection.create_function(FOLD, 1, fold, deterministic=True)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another wrote between:
        # SQLite's timeout covers only waiting for the write lock, so take that at the start.
        writes = connection.get_execution_options().get("brain_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _switch_to_wal(cursor: Any, *, within_s: float) -> None:
    # Where two connections switch a new file at once, SQLite tells one of them "locked" without
    # waiting: its timeout does not cover this statement.
    for attempt in stamina.retry_context(
        on=_is_locked, attempts=None, timeout=within_s, wait_initial=0.01, wait_max=0.2
    ):
        with attempt:
            cursor.execute("PRAGMA journal_mode = WAL")


def _is_locked(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
