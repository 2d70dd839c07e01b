"""What a module's own tests need: a real Temporal server, and workers of the module under test.

Needs the `testing` extra: `contextworker-core[testing]`. For pytest fixtures made of these, put
`pytest_plugins = ["contextworker.core.testing.fixtures"]` into the top `conftest.py`.
"""

from contextworker.core.testing.histories import (
    RecordedHistory,
    has_histories,
    record,
    recorded_histories,
)
from contextworker.core.testing.mismatch import HistoryMismatchError
from contextworker.core.testing.modules import execute, running
from contextworker.core.testing.server import TemporalServer, find_temporal, temporal_server
from contextworker.core.testing.tools import ToolCaller, calling

__all__ = [
    "HistoryMismatchError",
    "RecordedHistory",
    "TemporalServer",
    "ToolCaller",
    "calling",
    "execute",
    "find_temporal",
    "has_histories",
    "record",
    "recorded_histories",
    "running",
    "temporal_server",
]
