"""What releases recorded replays with traces on, too, and is not told again by it."""

from pathlib import Path

import pytest
from trace_collector import Collector

from contextworker.core.registry import WorkerRegistry
from contextworker.core.testing import recorded_histories
from contextworker.core.tracing.exporting import exporting
from contextworker.core.tracing.interceptor import interceptors

ROOT = Path(__file__).parents[2]
MODULES = (pytest.param("gardener", marks=pytest.mark.slow), "harvest", "sandbox")


@pytest.mark.parametrize("name", MODULES)
async def test_recorded_runs_replay_traced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers are no commands, and a run that is replayed has ended long ago."""
    [module] = WorkerRegistry.discover().select([name])
    recorded = recorded_histories(module, ROOT / "packages" / name / "tests" / "histories")
    with Collector() as collector:
        for variable, value in collector.environment.items():
            monkeypatch.setenv(variable, value)
        with exporting("tests"):
            for history in recorded:
                await history.replay(interceptors=interceptors())

    assert recorded
    assert [] == collector.received
