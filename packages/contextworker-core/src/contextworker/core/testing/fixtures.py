"""Pytest's part: a Temporal server for the session, a client of it, and recorded histories."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHandle

from contextworker.core.registry import ModuleConfig
from contextworker.core.testing.histories import (
    FOLDER,
    RecordedHistory,
    record,
    recorded_histories,
    release_of,
)
from contextworker.core.testing.server import TemporalServer, temporal_server

RECORD = "--record-histories"
RecordHistory = Callable[[WorkflowHandle[Any, Any], ModuleConfig, str], Awaitable[None]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that records."""
    parser.getgroup("contextworker").addoption(
        RECORD,
        action="store_true",
        help="run only the tests that record a workflow's history, and keep what is not kept yet",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what records nothing, while recording."""
    if not config.getoption(RECORD):
        return
    recording = [item for item in items if "record_history" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in recording])
    items[:] = recording


def replayed(module: ModuleConfig, *, beside: str) -> Sequence[Any]:
    """List a module's recorded histories for `pytest.mark.parametrize`.

    Those of another series are skipped, and so is the whole test while nothing is recorded.

    Args:
        module: Today's module.
        beside: The test file that asks (`__file__`): the folder `histories` is beside it.
    """
    folder = Path(beside).parent / FOLDER
    release_of(module)  # refuses a module that is not installed, also where nothing is recorded
    cases = [
        pytest.param(
            history,
            id=f"{history.release}/{history.path.stem}",
            marks=[] if history.must_replay else pytest.mark.skip(reason=_elsewhere(history)),
        )
        for history in recorded_histories(module, folder)
    ]
    nothing = f"no history of {module.name} is recorded yet: run these tests with {RECORD}"
    return cases or [pytest.param(None, id="none", marks=pytest.mark.skip(reason=nothing))]


def _elsewhere(history: RecordedHistory) -> str:
    return (
        f"runs of {history.module.name} {history.release} stay on workers of their own: the next "
        f"release, {history.next_release}, is of another series"
    )


@pytest.fixture
def record_history(request: pytest.FixtureRequest, tmp_path: Path) -> RecordHistory:
    """Keep an ended run's history under a scenario's name, when told to by --record-histories.

    Without that option it does nothing, so that a test of a scenario records it by the way.
    """
    stand_ins = {
        str(tmp_path): "/test",
        str(request.config.rootpath): "/project",
        tempfile.gettempdir(): "/tmp",  # noqa: S108 - a text, no file  # nosec B108 # the same
        str(Path.home()): "/home",
    }

    async def keep(handle: WorkflowHandle[Any, Any], module: ModuleConfig, scenario: str) -> None:
        if request.config.getoption(RECORD, default=False):
            folder = request.path.parent / FOLDER
            await record(handle, module, scenario, folder=folder, stand_ins=stand_ins)

    return keep


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal() -> AsyncIterator[TemporalServer]:
    """Run one dev server, shared by every test of the session."""
    async with temporal_server() as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_client(temporal: TemporalServer) -> Client:
    """Connect to that server with the project's plugin."""
    return await temporal.connect()
