"""That calls of a Brain are measured where there are metrics, and are as they were where not."""

from pathlib import Path

import pytest

from contextworker.brain import open_brain
from contextworker.brain.sql.store import SqlBrain
from contextworker.core.errors import PermanentError
from contextworker.core.testing.metrics import exported_metrics

CALLS = "contextworker_brain_call_duration_seconds_count"


async def test_a_brain_without_metrics_is_the_very_store(tmp_path: Path) -> None:
    """Nothing stands before it."""
    async with open_brain(f"sqlite:///{tmp_path / 'brain.db'}") as brain:
        assert isinstance(brain, SqlBrain)


async def test_calls_count_by_operation_and_outcome(tmp_path: Path) -> None:
    """What is read piece by piece is one call, and a refusal is none that went well."""
    with exported_metrics() as exported:
        async with open_brain(f"sqlite:///{tmp_path / 'brain.db'}") as brain:
            await brain.count_products("acme")
            await brain.count_products("acme")
            assert [] == [frame async for frame in brain.known_products("acme", dealer_code="d")]
            with pytest.raises(PermanentError):
                await brain.finish_run("acme", run_id="none")

        assert 2 == exported.total(CALLS, operation="count_products", outcome="ok")
        assert 1 == exported.total(CALLS, operation="known_products", outcome="ok")
        assert 1 == exported.total(CALLS, operation="finish_run", outcome="refused")
