"""What ends a program before its last line, and what is told of it until then."""

import asyncio
from contextlib import suppress

import psutil
import pytest
from sandbox_programs import Programs, until
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from contextworker.core.client import TaskCancelledError
from contextworker.core.messages import Progress
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.sandbox.module import module


async def test_calls_are_counted(programs: Programs, record_history: RecordHistory) -> None:
    """One more than a tenant may make ends the execution, with what it came to by then."""
    task = await programs.start("while True:\n    print('.')\n    sleep(0)", tenant_id="few-calls")
    result = await task.result()

    assert ("LimitExceeded", "calls") == (result["error"]["type"], result["error"]["limit"])
    assert ("....\n", 3) == (result["stdout"].replace("\n", "") + "\n", result["calls_made"])
    await programs.replay(task)
    await record_history(programs.handle(task), module, "too-many-calls")


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("timeout_s", "for n in range(1_000_000):\n    pass"),
        ("memory_mib", "len('x' * 6_000_000)"),
        ("recursion", "def down(n): return n and down(n - 1)\ndown(30)"),
        ("code_bytes", "#" * 201),
        ("answer_bytes", "try:\n    task_status('x' * 60)\nexcept LookupError:\n    pass"),
        ("output_bytes", "'x' * 60"),
        ("calls", "sleep(0)\nsleep(0)"),
    ],
    ids=lambda value: value if value.isidentifier() else "",
)
async def test_each_tenant_has_its_own_limits(programs: Programs, limit: str, code: str) -> None:
    """What is too much for one, as the operator's file has it, another does in the same worker."""
    tenant_id = "hasty" if limit == "timeout_s" else "small"
    small, others = await asyncio.gather(
        *(programs.run(code, tenant_id=one) for one in (tenant_id, "acme"))
    )

    assert ("LimitExceeded", limit) == (small["error"]["type"], small["error"]["limit"])
    assert others["error"] is None


async def test_output_is_limited_over_all_turns(programs: Programs) -> None:
    """What one turn has written, the next may not write again."""
    result = await programs.run(
        "for n in range(9):\n    print('x' * 39)\n    sleep(0)", tenant_id="few-words"
    )

    assert ("LimitExceeded", "output_bytes") == (result["error"]["type"], result["error"]["limit"])
    assert 100 == len(result["stdout"])
    assert 2 == result["calls_made"]


async def test_an_execution_has_an_end(programs: Programs, record_history: RecordHistory) -> None:
    """Also where it only waits; the call under way is left."""
    task = await programs.start("print('hello')\nsleep(600)", tenant_id="short-life")
    result = await task.result()

    assert ("LimitExceeded", "lifetime_s") == (result["error"]["type"], result["error"]["limit"])
    assert ("hello\n", 1) == (result["stdout"], result["calls_made"])
    assert ["failed"] == [call["status"] for call in result["calls"]]
    assert [] == programs.snapshots(task.run_id)
    await programs.replay(task)
    await record_history(programs.handle(task), module, "lifetime")


async def test_a_run_tells_its_calls_while_it_waits(programs: Programs) -> None:
    """As GetTaskStatus shows it, and Temporal's query."""
    task = await programs.start(
        """
        start_workflow('errand', name='seen')
        wait_for(start_workflow('endless'))
        """
    )

    async def waits() -> bool:
        progress = (await task.status()).progress
        return progress is not None and progress.stage.startswith("waiting for wait_for(")

    await until(waits)
    progress: Progress = await programs.handle(task).query("progress", result_type=Progress)
    assert (2, None, "calls") == (progress.done, progress.total, progress.unit)
    assert progress.steps is not None
    assert [
        ("start_workflow", "completed"),
        ("start_workflow", "completed"),
        ("wait_for", "running"),
    ] == [(step.name, step.status) for step in progress.steps]
    await task.cancel()


async def test_a_waiting_program_can_be_cancelled(
    programs: Programs, record_history: RecordHistory
) -> None:
    """Its snapshots go, what it started stays."""
    task = await programs.start("wait_for(start_workflow('errand', name='left', seconds=600))")

    async def waits() -> bool:
        progress = (await task.status()).progress
        return progress is not None and progress.done == 1

    await until(waits)
    kept = programs.snapshots(task.run_id)
    await task.cancel()
    with pytest.raises(TaskCancelledError):
        await task.result()

    assert len(kept) >= 1
    assert [] == programs.snapshots(task.run_id)
    left = programs.temporal.get_workflow_handle("errand-acme-left")
    assert (await left.describe()).close_time is None
    await left.terminate()
    await programs.replay(task)
    await record_history(programs.handle(task), module, "cancelled")


async def test_a_computing_program_can_be_cancelled(programs: Programs) -> None:
    """The turn is stopped, long before its time is over."""
    task = await programs.start("while True: pass", tenant_id="long-turns")

    async def computes() -> bool:
        return ["start_turn"] == await programs.activities(task)

    await until(computes)
    await task.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await programs.handle(task).result()

    assert isinstance(caught.value.cause, CancelledError)
    assert 2 == (await programs.run("1 + 1", tenant_id="long-turns"))["result"]


async def test_a_killed_interpreter_is_its_one_callers_error(programs: Programs) -> None:
    """A completed execution that says so; nobody else notices."""

    def computed() -> dict[psutil.Process, float]:
        found = {}
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):  # another test's, which a pool has just buried
                if child.name() == "monty":
                    found[child] = child.cpu_times().user
        return found

    task = await programs.start("while True: pass", tenant_id="long-turns")
    before: dict[psutil.Process, float] = {}
    looping: list[psutil.Process] = []

    async def computes() -> bool:
        if "start_turn" not in await programs.activities(task):
            return False  # what loops by then is ended soon
        now = computed()
        before.update({one: now[one] for one in now.keys() - before.keys()})
        looping[:] = [one for one in now if now[one] - before[one] >= 0.1]
        return bool(looping)

    await until(computes)
    [process] = looping
    beside = asyncio.gather(*(programs.run(f"{n} + 1", tenant_id="steady") for n in range(5)))
    process.kill()
    result = await task.result(timeout=30)

    assert "InterpreterCrashed" == result["error"]["type"]
    assert [(n + 1, None) for n in range(5)] == [(it["result"], it["error"]) for it in await beside]
