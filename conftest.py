"""Settings of the whole test run."""

from hypothesis import settings

# For its option --record-histories, which pytest takes from here alone.
pytest_plugins = ["contextworker.core.testing.fixtures"]

# The machines are shared: how long an example took says nothing about the code.
settings.register_profile("contextworker", deadline=None, derandomize=True)
settings.load_profile("contextworker")
