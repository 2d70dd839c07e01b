"""Which snapshots are kept: every one that some worker may still have to begin from."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio import activity
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.objects import ObjectStore
from contextworker.core.registry import Activity, ModuleConfig
from contextworker.core.settings import WorkerSettings
from contextworker.core.testing import execute, running
from contextworker.sandbox.activities.turns import Turns
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.limits import TenantLimits
from contextworker.sandbox.messages import PLATFORM_TOOLS, ResumeTurn, Turn
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
    """The real activities, and what each turn began from and discarded."""

    begun: list[tuple[str, list[str]]]

    @activity.defn(name="resume_turn")
    async def resume_turn(self, turn: ResumeTurn) -> Turn:
        """Note it."""
        self.begun.append((turn.snapshot.key, [one.key for one in turn.discard]))
        return await super().resume_turn(turn)


async def test_a_snapshot_is_kept_until_the_server_knows_the_next(
    client: Client, tmp_path: Path
) -> None:
    """A worker that is lost takes with it what it has not told: the turns since begin again."""
    objects = ObjectStore.from_url(tmp_path.as_uri())
    async with Interpreter.open(SandboxSettings(processes=1), tools=PLATFORM_TOOLS) as interpreter:
        turns = Watched(interpreter, objects, TenantLimits())
        turns.begun = []

        @asynccontextmanager
        async def open_activities() -> AsyncIterator[Sequence[Activity]]:
            yield [turns.start_turn, turns.resume_turn, turns.discard_snapshots]

        watched = ModuleConfig("watched-sandbox", module.workflows, open_activities)
        settings = WorkerSettings(shutdown_grace_s=1, versioning=False)
        async with running(client, watched, settings=settings):
            unit = ContextUnit(payload={"workflow_type": "execute_code", "code": PROGRAM})
            answer = await execute(client, watched, unit)

    keys = [key for key, _ in turns.begun]
    at_once, after_the_first_sleep, after_the_second = keys[:3], keys[3], keys[4:]
    assert (None, 5) == (answer.payload["error"], answer.payload["calls_made"])
    assert [[], [], []] == [discarded for _, discarded in turns.begun[:3]]
    assert (after_the_first_sleep, at_once) == turns.begun[3]
    assert [(after_the_second[0], [after_the_first_sleep])] == turns.begun[4:]
