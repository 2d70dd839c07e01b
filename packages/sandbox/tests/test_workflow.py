"""Programs from their start by the gateway to their end: real Temporal, worker, interpreters."""

from typing import Any

import pytest
from sandbox_programs import Programs, until

from contextcore import ContextUnit
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.sandbox.module import module

NOTHING_PRINTED = {"stdout": "", "stderr": ""}


def raised(result: dict[str, Any]) -> tuple[str, str]:
    """Return what ended a program: class and message."""
    return result["error"]["type"], result["error"]["message"]


async def test_a_program_has_a_result_and_output(
    programs: Programs, record_history: RecordHistory
) -> None:
    """The value of its last expression, and what it wrote, in the answer's payload."""
    task = await programs.start("print('two')\na + 1", inputs={"a": 1})
    result = await task.result()

    assert {
        "result": 2,
        "result_is_repr": False,
        "stdout": "two\n",
        "stderr": "",
        "error": None,
        "calls_made": 0,
        "calls": [],
    } == result
    await programs.replay(task)
    await record_history(programs.handle(task), module, "result")


async def test_an_exception_of_the_code_completes_the_run(programs: Programs) -> None:
    """It is the answer, with its traceback; nothing is tried again."""
    result = await programs.run("x = 1\nraise ValueError('no tents')")

    assert ("ValueError", "no tents") == raised(result)
    assert 2 == result["error"]["line"]
    assert "main.py" in result["stderr"]


async def test_what_cannot_travel_comes_as_its_repr(programs: Programs) -> None:
    """A result that no ContextUnit holds would else be tried to be sent for ever."""
    result = await programs.run("2 ** 70")

    assert (str(2**70), True) == (result["result"], result["result_is_repr"])


async def test_long_computing_leaves_the_fast_lane(
    programs: Programs, record_history: RecordHistory
) -> None:
    """The turn begins again with patience; what it wrote the first time is written once."""
    task = await programs.start("print('begun')\nwhile True: pass", timeout=0.8)
    result = await task.result()

    assert ("LimitExceeded", "timeout_s") == (result["error"]["type"], result["error"]["limit"])
    assert "begun\n" == result["stdout"]
    assert 1 == (await programs.activities(task)).count("start_turn")
    await programs.replay(task)
    await record_history(programs.handle(task), module, "patience")


async def test_code_starts_tasks_and_waits_for_them(
    programs: Programs, record_history: RecordHistory
) -> None:
    """Each is started once, in the caller's tenant, and the unit it gets follows from the run's."""
    task = await programs.start(
        """
        ids = [start_workflow('errand', name=f'walk-{n}', seconds=0.3) for n in range(3)]
        ended = wait_for(ids)
        again = wait_for(ids[0])
        [ids, [one['result']['name'] for one in ended], again['status']]
        """
    )
    result = await task.result()

    ids = [f"errand-acme-walk-{n}" for n in range(3)]
    assert [ids, ["walk-0", "walk-1", "walk-2"], "completed"] == result["result"]
    assert 5 == result["calls_made"]
    assert {
        "name": "start_workflow",
        "status": "completed",
        "detail": f"'errand', name='walk-0', seconds=0.3 → '{ids[0]}'",
    } == result["calls"][0]
    assert {
        "name": "wait_for",
        "status": "completed",
        "detail": f"['{ids[0]}', '{ids[1]}', '{ids[2]}'] → completed, completed, completed",
    } == result["calls"][3]
    started: ContextUnit = await programs.temporal.get_workflow_handle(
        ids[0], result_type=ContextUnit
    ).result()
    assert ["tests:start_workflow", "sandbox:start_workflow", "worker:errands"] == (
        started.provenance
    )
    assert task.unit.trace_id == started.trace_id
    assert [] == programs.snapshots(task.run_id)
    await programs.replay(task)
    await record_history(programs.handle(task), module, "calls")


async def test_many_tasks_are_waited_for_at_once(programs: Programs) -> None:
    """More than are looked at together, and some of them twice."""
    result = await programs.run(
        """
        ids = [start_workflow('parcel', name=f'many-{n}', seconds=0.2) for n in range(12)]
        ended = wait_for(ids + ids[:1])
        [len(ended), {one['status'] for one in ended} == {'completed'}]
        """
    )

    assert [13, True] == result["result"]


async def test_code_that_starts_code_comes_to_an_end(programs: Programs) -> None:
    """A program that starts itself does not go on for ever, nor past its own limits."""
    await programs.run(
        """
        code = "start_workflow('execute_code', code=code, inputs={'code': code})"
        start_workflow('execute_code', code=code, inputs={'code': code})
        """,
        tenant_id="chain",
    )

    async def has_ended() -> bool:
        running = await programs.runs("TenantId = 'chain' AND ExecutionStatus = 'Running'")
        return running == 0 and await programs.runs("TenantId = 'chain'") > 10

    await until(has_ended)
    assert 11 == await programs.runs("TenantId = 'chain'")


async def test_a_task_that_continues_as_new_is_waited_for_to_its_end(programs: Programs) -> None:
    """It is one task, in however many runs."""
    result = await programs.run(
        "wait_for(start_workflow('errand', name='far', rounds=3))['result']['name']"
    )

    assert "far" == result["result"]


async def test_a_failed_task_is_told_and_not_raised(programs: Programs) -> None:
    """Code decides what to make of it."""
    result = await programs.run(
        """
        ended = wait_for(start_workflow('errand', name='vain', fails=True))
        [ended['status'], ended['error']['message']]
        """
    )

    assert ["failed", "vain came back with empty hands"] == result["result"]


async def test_task_status_tells_how_a_task_stands(programs: Programs) -> None:
    """Without waiting."""
    long = await programs.start_errand("long", seconds=600)
    result = await programs.run("task_status(id)['status']", inputs={"id": long.id})

    assert "running" == result["result"]
    await long.terminate()


async def test_a_wait_may_end_before_the_task(
    programs: Programs, record_history: RecordHistory
) -> None:
    """With a TimeoutError that code can catch."""
    late = await programs.start_errand("late", seconds=600)
    task = await programs.start(
        """
        try:
            wait_for([id], timeout=0.3)
        except TimeoutError as error:
            print(error)
        """,
        inputs={"id": late.id},
    )
    result = await task.result()

    assert "wait_for(): errand-acme-late is running after 0.3 s\n" == result["stdout"]
    await late.terminate()
    await programs.replay(task)
    await record_history(programs.handle(task), module, "timeout")


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("start_workflow('errand', tenant_id='other')", "PermissionError", "leave tenant_id out"),
        ("start_workflow('errand', tenant_id=None)", "PermissionError", "nothing for None"),
        ("wait_for(['x', 5])", "TypeError", "and is of type int"),
    ],
    ids=["other-tenant", "no-tenant", "no-id"],
)
async def test_a_wrong_call_is_an_exception_at_once(
    programs: Programs, code: str, kind: str, message: str
) -> None:
    """Nobody is asked."""
    task = await programs.start(code)
    result = await task.result()

    assert kind == result["error"]["type"]
    assert message in result["error"]["message"]
    assert ["failed"] == [call["status"] for call in result["calls"]]
    activities = await programs.activities(task)
    assert "discard_snapshots" == activities[-1]
    assert {"start_task", "task_status"}.isdisjoint(activities)


async def test_waiting_for_no_task_is_no_waiting(programs: Programs) -> None:
    """An empty list is a list."""
    assert [] == (await programs.run("wait_for([])"))["result"]


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("start_workflow('errand', nome='x')", "ValueError", "nome"),
        ("start_workflow('unheard-of')", "LookupError", "unheard-of"),
        ("task_status('unheard-of')", "LookupError", "unheard-of"),
        ("wait_for(['unheard-of'])", "LookupError", "unheard-of"),
    ],
    ids=["payload", "type", "status", "wait"],
)
async def test_what_the_gateway_refuses_is_an_exception(
    programs: Programs, code: str, kind: str, message: str
) -> None:
    """In its own words."""
    result = await programs.run(code)

    assert kind == result["error"]["type"]
    assert message in result["error"]["message"]


async def test_without_rights_code_runs_and_tools_do_not(programs: Programs) -> None:
    """A run that no gateway started acts in nobody's name; sleeping needs none."""
    unit = ContextUnit(
        payload={"workflow_type": "execute_code", "code": "sleep(0)\nstart_workflow('errand')"}
    )
    answer: ContextUnit = await programs.temporal.execute_workflow(
        "execute_code",
        unit,
        id=f"nobodys-{unit.unit_id}",
        task_queue=module.queue,
        result_type=ContextUnit,
    )

    assert "PermissionError" == answer.payload["error"]["type"]
    assert 2 == answer.payload["error"]["line"]
