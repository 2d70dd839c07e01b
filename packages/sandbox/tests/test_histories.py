"""Runs that a released version began go on with today's code."""

from pathlib import Path

import pytest

from contextworker.core.testing import RecordedHistory, recorded_histories
from contextworker.core.testing.fixtures import replayed
from contextworker.core.testing.metrics import exported_metrics
from contextworker.sandbox.module import module


@pytest.mark.parametrize("history", replayed(module, beside=__file__))
async def test_a_recorded_run_replays(history: RecordedHistory) -> None:
    """The workflow decides again what it decided then; a release records its own runs."""
    await history.replay()


async def test_a_replay_counts_no_program_again() -> None:
    """A worker that takes a run over has ended none of its programs."""
    with exported_metrics() as exported:
        for history in recorded_histories(module, Path(__file__).parent / "histories"):
            if history.must_replay:
                await history.replay()

        assert [] == exported.samples("contextworker_sandbox_executions_total")
