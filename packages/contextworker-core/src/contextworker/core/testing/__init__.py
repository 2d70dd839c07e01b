"""What a module's own tests need: a real Temporal server, and workers of the module under test.

Needs the `testing` extra: `contextworker-core[testing]`. For pytest fixtures made of these, put
`pytest_plugins = ["contextworker.core.testing.fixtures"]` into the top `conftest.py`.
"""

from contextworker.core.testing.modules import execute, running
from contextworker.core.testing.server import TemporalServer, find_temporal, temporal_server

__all__ = ["TemporalServer", "execute", "find_temporal", "running", "temporal_server"]
