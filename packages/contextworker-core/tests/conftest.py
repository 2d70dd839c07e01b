"""One Temporal server for the core's tests."""

from contextworker.core.testing.fixtures import temporal, temporal_client

__all__ = ["temporal", "temporal_client"]
