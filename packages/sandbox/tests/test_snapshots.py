"""Which snapshots are kept: every one that some worker may still have to begin from."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ActivityError

from contextcore import ContextUnit
from contextworker.core.errors import TransientError
from contextworker.core.objects import ObjectStore
from contextworker.core.registry import Activity, ModuleConfig
from contextworker.core.settings import WorkerSettings
from contextworker.core.testing import execute, running
from contextworker.sandbox.activities.turns import Turns
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.limits import TenantLimits
from contextworker.sandbox.messages import PLATFORM_TOOLS, ResumeTurn, StartTurn, Turn
from contextworker.sandbox.module import module
from contextworker.sandbox.settings import SandboxSettings

PROGRAM = """
for _ in range(3):
    try:
        task_status()
    except TypeError:
        pass
sleep(0.05)
sleep(0.05)
"""


class Watched(Turns):
    """The real activities, and what each turn began from and discarded, however often it was run.

    On a busy machine the fast lane gives a turn up, which is then run again.
    """

    def __init__(self, interpreter: Interpreter, folder: Path) -> None:
        super().__init__(interpreter, ObjectStore.from_url(folder.as_uri()), TenantLimits())
        self.begun: list[tuple[str, list[str]]] = []

    @activity.defn(name="resume_turn")
    async def resume_turn(self, turn: ResumeTurn) -> Turn:
        """Note it."""
        begun = turn.snapshot.key, [one.key for one in turn.discard]
        if begun not in self.begun:
            self.begun.append(begun)
        return await super().resume_turn(turn)


class Broken(Watched):
    """A worker with a fault of its own."""

    @activity.defn(name="start_turn")
    async def start_turn(self, turn: StartTurn) -> Turn:
        """Fail as a mistake of ours would."""
        raise KeyError(turn.execution)


class Unlucky(Watched):
    """The store goes away just when the fast lane has stored something."""

    @activity.defn(name="start_turn")
    async def start_turn(self, turn: StartTurn) -> Turn:
        """Fail at first."""
        return self._failed(await super().start_turn(turn))

    @activity.defn(name="resume_turn")
    async def resume_turn(self, turn: ResumeTurn) -> Turn:
        """Fail at first."""
        return self._failed(await super().resume_turn(turn))

    def _failed(self, turn: Turn) -> Turn:
        if activity.info().is_local:
            raise TransientError("the store is away")
        return turn


async def run(client: Client, turns: Watched, program: str) -> dict[str, Any]:
    """Run a program on a worker with these activities, of which no gateway hears."""

    @asynccontextmanager
    async def open_activities() -> AsyncIterator[Sequence[Activity]]:
        yield [turns.start_turn, turns.resume_turn, turns.discard_snapshots]

    watched = ModuleConfig("watched-sandbox", module.workflows, open_activities)
    settings = WorkerSettings(shutdown_grace_s=1, versioning=False)
    async with running(client, watched, settings=settings):
        unit = ContextUnit(payload={"workflow_type": "execute_code", "code": program})
        return (await execute(client, watched, unit)).payload


def stored(folder: Path) -> list[Path]:
    """List the store's objects."""
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform() -> AsyncIterator[Interpreter]:
    """An interpreter process that knows the platform's functions."""
    async with Interpreter.open(SandboxSettings(processes=1), tools=PLATFORM_TOOLS) as opened:
        yield opened


async def test_a_snapshot_is_kept_until_the_server_knows_the_next(
    client: Client, platform: Interpreter, tmp_path: Path
) -> None:
    """A worker that is lost takes with it what it has not told: the turns since begin again."""
    turns = Watched(platform, tmp_path)
    execution = await run(client, turns, PROGRAM)

    keys = [key for key, _ in turns.begun]
    at_once, after_the_first_sleep, after_the_second = keys[:3], keys[3], keys[4:]
    assert (None, 5) == (execution["error"], execution["calls_made"])
    assert [[], [], []] == [discarded for _, discarded in turns.begun[:3]]
    assert (after_the_first_sleep, at_once) == turns.begun[3]
    assert [(after_the_second[0], [after_the_first_sleep])] == turns.begun[4:]


async def test_a_turn_that_fails_in_the_fast_lane_is_run_again(
    client: Client, platform: Interpreter, tmp_path: Path
) -> None:
    """With patience; what it printed is told once, and what it had stored goes in the end."""
    execution = await run(client, Unlucky(platform, tmp_path), "print('a')\nsleep(0)\nprint('b')")

    assert (None, "a\nb\n", 1) == (
        execution["error"],
        execution["stdout"],
        execution["calls_made"],
    )
    assert [] == stored(tmp_path)


async def test_a_fault_of_the_worker_ends_the_run(
    client: Client, platform: Interpreter, tmp_path: Path
) -> None:
    """It would be met again at every attempt, and the run would look as if it hung."""
    with pytest.raises(WorkflowFailureError) as failed:
        await run(client, Broken(platform, tmp_path), "1 + 1")
    assert isinstance(failed.value.cause, ActivityError)
    assert "KeyError" in repr(failed.value.cause.cause)
