"""Settings of the whole test run."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# For their options (--record-histories, --chaos-…), which pytest takes from here alone.
pytest_plugins = ["contextworker.core.testing.fixtures", "chaos_options"]

# The machines are shared: how long an example took says nothing about the code.
settings.register_profile("contextworker", deadline=None, derandomize=True)
settings.load_profile("contextworker")

_ENVIRONMENT = dict(os.environ)
# pytest's own, and what libraries set once, when they are loaded.
_NOT_SETTINGS = ("PYTEST_", "KMP_", "_RJEM_")


@pytest.fixture(scope="module", autouse=True)
def environment_as_found() -> Iterator[None]:
    """Fail a file that leaves a setting behind, as the next one in its process would read it."""
    yield
    left = {
        name
        for name in _ENVIRONMENT | os.environ
        if os.environ.get(name) != _ENVIRONMENT.get(name) and not name.startswith(_NOT_SETTINGS)
    }
    assert not left, f"the environment is not as it was: {', '.join(sorted(left))}"
