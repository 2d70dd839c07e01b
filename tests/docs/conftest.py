"""One stack for all pages."""

from collections.abc import Iterator

import pytest
from reader import Reader


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody with a clone and a stack that runs in it."""
    reading = Reader(tmp_path_factory.mktemp("reader"))
    try:
        reading.begin()
        yield reading
    finally:
        reading.end()
