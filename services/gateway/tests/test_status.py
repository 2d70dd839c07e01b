"""GetTaskStatus: how a run stands, in words that are true."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from gateway_calls import Caller
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.messages import Progress, Step, StepStatus
from contextworker.gateway.runs.state.progress import overlaid


async def start(caller: Caller, **payload: Any) -> dict[str, Any]:
    """Start a toy of this test's own tenant."""
    tenant = {"workflow_type": "toy", "tenant_id": f"t{uuid.uuid4().hex[:8]}"}
    return await caller.ask("StartWorkflow", tenant | payload)


def closed(status: dict[str, Any]) -> bool:
    """Tell whether a run has ended."""
    return status["status"] not in ("queued", "running")


async def test_a_completed_run_shows_its_result(caller: Caller, toys: None) -> None:
    """The result is the answer unit's payload, to the last None."""
    started = await start(caller, supplier_code="done")

    status = await caller.status_when(started["workflow_id"], closed)

    times = [datetime.fromisoformat(status.pop(name)) for name in ("started_at", "closed_at")]
    assert sorted(times) == times
    assert {
        "workflow_id": started["workflow_id"],
        "run_id": started["run_id"],
        "workflow_type": "toy",
        "task_queue": "toys-tasks",
        "status": "completed",
        "result": {"done": True, "nothing": None},
        "pending_activities": [],
    } == status


async def test_the_reply_is_a_child_of_the_question(caller: Caller, toys: None) -> None:
    """The answer continues the question's trace, not the run's."""
    started = await start(caller, supplier_code="done")
    question = ContextUnit(
        payload={"workflow_id": started["workflow_id"], "run_id": started["run_id"]},
        provenance=["shop:poll"],
    )

    reply = await caller.send("GetTaskStatus", question)

    assert question.unit_id == reply.parent_unit_id
    assert ["shop:poll", "gateway:get_task_status"] == reply.provenance


async def test_a_running_run_shows_its_progress(caller: Caller, toys: None) -> None:
    """Without an activity, the run's own answer stands."""
    started = await start(caller, supplier_code="wait")

    status = await caller.status_when(started["workflow_id"], lambda it: "progress" in it)

    assert "running" == status["status"]
    assert {"stage": "fetch", "done": 1, "total": 10, "unit": "rows"} == status["progress"]
    assert not {"reason", "error", "result", "closed_at"} & set(status)


async def test_a_heartbeat_says_nothing_of_the_steps() -> None:
    """An activity knows how far it is itself; which steps were taken, its run knows."""
    steps = (Step(name="products", status=StepStatus.RUNNING),)
    answered = Progress(stage="run", total=9, steps=steps)

    shown = overlaid(answered, Progress(stage="fetch", done=7))

    assert Progress(stage="fetch", done=7, steps=steps) == shown


async def test_steps_without_number_or_end_are_cut(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """To the latest ones, so that the status of such a run still fits a reply."""
    started = await caller.ask("StartWorkflow", {"workflow_type": "execute_code", "code": "wait"})
    run = temporal_client.get_workflow_handle(started["workflow_id"])
    for detail in ("first", "é" * 900, "last"):
        await run.signal("step", args=[detail, 1 if detail.isascii() else 1000])

    def all_taken(status: dict[str, Any]) -> bool:
        return any(it["detail"] == "last" for it in status.get("progress", {}).get("steps", []))

    status = await caller.status_when(started["workflow_id"], all_taken)

    details = [step["detail"] for step in status["progress"]["steps"]]
    assert [f"{'é' * 499}…"] * 499 + ["last"] == details
    await run.terminate()


async def test_a_heartbeat_is_laid_over_the_progress(caller: Caller, toys: None) -> None:
    """The activity knows better how far it is, the run how far there is to go."""
    started = await start(caller, supplier_code="work")

    def is_whole(status: dict[str, Any]) -> bool:
        """Tell whether it has both: the run may not have answered in time."""
        progress: dict[str, Any] = status.get("progress", {})
        return {"done": 7, "total": 10}.items() <= progress.items()

    status = await caller.status_when(started["workflow_id"], is_whole)

    assert {"stage": "fetch", "done": 7, "total": 10, "unit": "rows"} == status["progress"]
    [activity] = status["pending_activities"]
    assert ("toy_work", "started", 1) == (
        activity["type"],
        activity["state"],
        activity["attempt"],
    )
    assert status["started_at"] <= activity["last_heartbeat_at"]


async def test_a_failed_run_says_why_first(caller: Caller, toys: None) -> None:
    """The sentence the activity raised comes first; what caused it follows."""
    started = await start(caller, supplier_code="permanent")

    status = await caller.status_when(started["workflow_id"], closed)

    assert "failed" == status["status"]
    assert {
        "type": "OutOfTentsError",
        "message": "the supplier is out of tents",
        "will_retry": False,
        "activity": "toy_fail",
        "causes": [
            {
                "type": "FileNotFoundError",
                "message": "[Errno 2] No such file or directory: 'feed.csv'",
            }
        ],
    } == status["error"]


async def test_a_failure_in_a_child_run_comes_first_as_well(caller: Caller, toys: None) -> None:
    """However deep it lies, Temporal's wrappers do not hide it."""
    started = await start(caller, supplier_code="child")

    status = await caller.status_when(started["workflow_id"], closed)

    assert "failed" == status["status"]
    assert "the supplier is out of tents" == status["error"]["message"]


async def test_a_failing_activity_says_what_happens_next(caller: Caller, toys: None) -> None:
    """The run goes on: the error tells the attempt, and when the next one comes."""
    started = await start(caller, supplier_code="transient")

    status = await caller.status_when(started["workflow_id"], lambda it: "error" in it)

    assert "running" == status["status"]
    error = status["error"]
    next_attempt_at = error.pop("next_attempt_at")
    assert datetime.fromisoformat(next_attempt_at) > datetime.fromisoformat(status["started_at"])
    assert {
        "type": "ConnectionError",
        "message": "the feed's server does not answer",
        "will_retry": True,
        "activity": "toy_fail",
        "attempt": 2,
        "maximum_attempts": 4,
        "causes": [],
    } == error
    assert [
        {
            "type": "toy_fail",
            "state": "scheduled",
            "attempt": 2,
            "maximum_attempts": 4,
            "next_attempt_at": next_attempt_at,
            "last_failure": {
                "type": "ConnectionError",
                "message": "the feed's server does not answer",
            },
        }
    ] == status["pending_activities"]


async def test_a_run_whose_code_is_wrong_says_what_it_raised(
    caller: Caller, toys: None, temporal_client: Client
) -> None:
    """Temporal tries its workflow task until somebody mends the worker; the caller learns why."""
    started = await start(caller, supplier_code="bug")

    # For a moment its task may wait for the worker to ask for it, as a queued run's does.
    status = await caller.status_when(
        started["workflow_id"], lambda it: "error" in it and it["status"] == "running"
    )
    await temporal_client.get_workflow_handle(started["workflow_id"]).terminate()

    attempt = status["error"].pop("attempt")  # the third comes ten seconds after the second
    times = "once" if attempt == 2 else f"{attempt - 1} times"
    assert {
        "type": "KeyError",
        "message": "'price'",
        "will_retry": True,
        "causes": [],
    } == status["error"]
    assert f"workflow code failed or timed out {times} and is tried again" in status["reason"]
    assert "progress" not in status


async def test_a_cancelled_run(caller: Caller, toys: None, temporal_client: Client) -> None:
    """Who cancels wants to see it."""
    started = await start(caller, supplier_code="wait")
    await temporal_client.get_workflow_handle(started["workflow_id"]).cancel()

    status = await caller.status_when(started["workflow_id"], closed)

    assert ("cancelled", "the run was cancelled") == (status["status"], status["reason"])
    assert "error" not in status


async def test_a_terminated_run(caller: Caller, toys: None, temporal_client: Client) -> None:
    """The operator's word for it is the reason."""
    started = await start(caller, supplier_code="wait")
    await temporal_client.get_workflow_handle(started["workflow_id"]).terminate(
        reason="stock moved"
    )

    status = await caller.status_when(started["workflow_id"], closed)

    assert ("terminated", "the run was terminated: stock moved") == (
        status["status"],
        status["reason"],
    )


async def test_a_run_out_of_time(caller: Caller, toys: None, temporal_client: Client) -> None:
    """Runs that others start may have a limit; the gateway tells how they end, too."""
    handle = await temporal_client.start_workflow(
        "toy",
        ContextUnit(payload={"supplier_code": "wait"}),
        id=f"timed-{uuid.uuid4()}",
        task_queue="toys-tasks",
        execution_timeout=timedelta(seconds=1),
    )

    status = await caller.status_when(handle.id, closed)

    assert "timed_out" == status["status"]
    assert ("TimeoutError", "the run took longer than it may") == (
        status["error"]["type"],
        status["error"]["message"],
    )


async def test_a_run_that_continued_is_followed(caller: Caller, toys: None) -> None:
    """Whoever asks by the run id of the start gets the latest run of its chain."""
    started = await start(caller, supplier_code="again")

    status = await caller.status_when(started["workflow_id"], closed)
    by_run = await caller.status(started["workflow_id"], run_id=started["run_id"])

    assert "completed" == status["status"]
    assert started["run_id"] != status["run_id"]
    assert status == by_run


async def test_a_chain_is_followed_past_another_run_of_the_id(caller: Caller, toys: None) -> None:
    """A later unit's run under the same id is not taken for the answer."""
    payload = {"supplier_code": "again", "tenant_id": f"t{uuid.uuid4().hex[:8]}"}
    first = await start(caller, **payload)
    ended = await caller.status_when(first["workflow_id"], closed)
    second = await start(caller, **payload)
    await caller.status_when(second["workflow_id"], closed)

    status = await caller.status(first["workflow_id"], run_id=first["run_id"])

    assert ended == status


@pytest.mark.parametrize(
    ("returns", "result"), [("json", {"values": [1, None]}), ("text", "x" * 1000)]
)
async def test_a_result_that_is_no_unit_is_shown(
    caller: Caller, toys: None, returns: str, result: object
) -> None:
    """Workflows of other makers return what they like."""
    started = await start(caller, workflow_type="toy_plain", returns=returns)

    status = await caller.status_when(started["workflow_id"], closed)

    assert result == status["result"]


@pytest.mark.parametrize(
    ("returns", "why"),
    [("much", "more than a reply of 4 MiB can hold"), ("bytes", "does not fit a unit")],
)
async def test_a_result_that_cannot_be_shown_says_so(
    caller: Caller, toys: None, returns: str, why: str
) -> None:
    """The run completed all the same, and the reason says what is missing."""
    started = await start(caller, workflow_type="toy_plain", returns=returns)

    status = await caller.status_when(started["workflow_id"], closed)

    assert "completed" == status["status"]
    assert "result" not in status
    assert why in status["reason"]


async def test_a_run_without_the_query_has_no_progress(caller: Caller, toys: None) -> None:
    """Nobody has to answer `progress`."""
    started = await start(caller, workflow_type="toy_plain", returns="wait")

    status = await caller.status_when(started["workflow_id"], lambda it: it["status"] == "running")

    assert "progress" not in status
