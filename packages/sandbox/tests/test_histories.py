"""Runs that a released version began go on with today's code."""

import pytest

from contextworker.core.testing import RecordedHistory
from contextworker.core.testing.fixtures import replayed
from contextworker.sandbox.module import module


@pytest.mark.parametrize("history", replayed(module, beside=__file__))
async def test_a_recorded_run_replays(history: RecordedHistory) -> None:
    """The workflow decides again what it decided then; a release records its own runs."""
    await history.replay()
