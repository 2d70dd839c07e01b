"""Turns as activities: real interpreters, a real object store, each safe to be run again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import ActivityEnvironment

from contextworker.core.errors import PermanentError
from contextworker.core.objects import ObjectStore
from contextworker.sandbox.activities.turns import Turns
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.limits import DEFAULT, TenantLimits
from contextworker.sandbox.messages import (
    Answer,
    ExecuteRequest,
    Finished,
    ResumeTurn,
    StartTurn,
    Suspended,
    ToolCall,
    Turn,
)

LOOKS = "found = look('a')\nfound + look('b')"


@pytest_asyncio.fixture(loop_scope="session")
async def turns(interpreter: Interpreter, tmp_path: Path) -> AsyncIterator[Turns]:
    """Turns with a store of this test's own."""
    yield Turns(interpreter, ObjectStore.from_url(tmp_path.as_uri()), TenantLimits())


async def start(turns: Turns, code: str, *, within_s: float | None = None, **fields: Any) -> Turn:
    """Run a first turn."""
    request = ExecuteRequest(code=code, tenant_id="acme", **fields)
    turn = StartTurn(execution="run-1", request=request, within_s=within_s)
    return await ActivityEnvironment().run(turns.start_turn, turn)


async def resume(turns: Turns, at: Suspended, value: int, *discard: Suspended) -> Turn:
    """Run a further turn."""
    turn = ResumeTurn(
        execution="run-1",
        tenant_id="acme",
        snapshot=at.snapshot,
        answer=Answer(value=value),
        output_left=1000,
        discard=tuple(one.snapshot for one in discard),
    )
    return await ActivityEnvironment().run(turns.resume_turn, turn)


def suspended(turn: Turn) -> Suspended:
    """Return where a turn left the code."""
    assert turn.suspended is not None
    return turn.suspended


def stored(folder: Path) -> set[str]:
    """List the store's objects."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_a_short_program_is_one_turn(turns: Turns, tmp_path: Path) -> None:
    """Nothing is stored; the tenant's limits are told, with the caller's own timeout."""
    turn = await start(turns, "print('x')\n1 + 1", timeout=2)

    limits = DEFAULT.model_copy(update={"timeout_s": 2})
    assert Turn(stdout="x\n", finished=Finished(result=2), limits=limits) == turn
    assert set() == stored(tmp_path)


async def test_a_turn_run_twice_comes_to_the_same(turns: Turns, tmp_path: Path) -> None:
    """An attempt whose answer was lost is made again, from the same snapshot."""
    first = suspended(await start(turns, LOOKS))
    once, twice = await resume(turns, first, 1), await resume(turns, first, 1)
    ends = [(await resume(turns, suspended(turn), 2, first)).finished for turn in (once, twice)]

    assert ToolCall(tool="look", args=("a",)) == first.call
    assert suspended(once).call == suspended(twice).call == ToolCall(tool="look", args=("b",))
    assert [Finished(result=3)] * 2 == ends


async def test_what_is_needed_no_more_is_discarded(turns: Turns, tmp_path: Path) -> None:
    """A snapshot is kept as long as a turn may begin from it, under its tenant's name."""
    first = suspended(await start(turns, LOOKS))
    second = suspended(await resume(turns, first, 1))
    await resume(turns, second, 2, first)

    assert {second.snapshot.key} == stored(tmp_path)
    assert second.snapshot.key.startswith("acme/sandbox/run-1/")


async def test_an_execution_that_has_ended_leaves_nothing(turns: Turns, tmp_path: Path) -> None:
    """And another's snapshots are left alone."""
    own = suspended(await start(turns, LOOKS))
    request = ExecuteRequest(code=LOOKS, tenant_id="acme")
    other = await ActivityEnvironment().run(
        turns.start_turn, StartTurn(execution="run-10", request=request)
    )
    for _ in range(2):
        await ActivityEnvironment().run(turns.discard_snapshots, "run-1", "acme")

    assert own.snapshot.key not in stored(tmp_path)
    assert {suspended(other).snapshot.key} == stored(tmp_path)


async def test_a_turn_that_is_not_done_in_time_has_done_nothing(
    turns: Turns, tmp_path: Path
) -> None:
    """What it wrote is not told either: it will be written again."""
    turn = await start(turns, "print('x')\nwhile True: pass", within_s=0.05)

    assert Turn(limits=DEFAULT) == turn
    assert set() == stored(tmp_path)


async def test_a_snapshot_that_is_gone_is_not_tried_again(turns: Turns) -> None:
    """The run fails with a sentence, rather than looking for it for a day."""
    first = suspended(await start(turns, LOOKS))
    await ActivityEnvironment().run(turns.discard_snapshots, "run-1", "acme")

    with pytest.raises(PermanentError, match="no longer in the store"):
        await resume(turns, first, 1)
