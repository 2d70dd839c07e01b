"""The whole system on real servers: one PostgreSQL for the session, one Temporal for each test."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from postgresql_server import postgresql_server
from running_system import System

from contextworker.core.testing import TemporalServer

_HERE = Path(__file__).parent
_PATIENCE_S = 300


@pytest.hookimpl(tryfirst=True)  # before pytest-timeout looks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave time for several processes to start, on a machine that may be busy.

    Every wait in a test has a bound of its own, below that, and says what it waited for.
    """
    for item in items:
        if _HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_PATIENCE_S))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server; yields the URL of its first database."""
    with postgresql_server() as server:
        yield server.get_uri()


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
