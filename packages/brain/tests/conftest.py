"""Both databases, real: SQLite files and a PostgreSQL server that the session starts and stops."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count

import psycopg
import pytest
from commerce_service import CommerceService
from postgresql_server import postgresql_server

from contextworker.brain import Brain, ProductRecord, open_brain

NewUrl = Callable[[], str]
_numbers = count(1)


@pytest.fixture(scope="session")
def new_postgresql() -> Iterator[NewUrl]:
    """Return what makes an empty PostgreSQL database and gives its URL."""
    with postgresql_server() as server:

        def make() -> str:
            name = f"brain{next(_numbers)}"
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            return str(server.get_uri(database=name))

        yield make


@pytest.fixture(scope="session")
def new_sqlite(tmp_path_factory: pytest.TempPathFactory) -> NewUrl:
    """Return what gives the URL of an SQLite file that is not there yet."""
    return lambda: f"sqlite:///{tmp_path_factory.mktemp('brain')}/new/brain.db"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest) -> NewUrl:
    """Return what makes an empty store, for each kind of store there is."""
    make: NewUrl = request.getfixturevalue(f"new_{request.param}")
    return make


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "grpc"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return one store for a test file; tenants keep its tests apart."""
    if request.param != "grpc":
        yield request.getfixturevalue(f"new_{request.param}")()
        return
    new_sqlite: NewUrl = request.getfixturevalue("new_sqlite")
    with pytest.MonkeyPatch.context() as patch, CommerceService() as service:
        patch.setenv("BRAIN_LEDGER_URL", new_sqlite())
        yield service.url


@pytest.fixture(scope="module")
def many(url: str) -> int:
    """Return how many products are many: a CommerceService takes a call for each."""
    return 700 if url.startswith("grpc") else 7000


@pytest.fixture(scope="module")
async def brain(url: str) -> AsyncIterator[Brain]:
    """Open the file's store."""
    async with open_brain(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment for processes that tests start; they share compiled modules."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("pycache"))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


@pytest.fixture
def tenant() -> str:
    """Return a tenant that no other test has."""
    return f"tenant-{next(_numbers)}"


@pytest.fixture(scope="session")
def product() -> Callable[..., ProductRecord]:
    """Return what makes a product from the fields that matter to a test."""

    def make(sku: str = "T-1", **fields: object) -> ProductRecord:
        given = {"sku": sku, "name": "Tent", "dealer_code": "camping-trade", **fields}
        return ProductRecord.model_validate(given)

    return make
