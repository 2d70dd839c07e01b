"""Running a program with the client: one call, the wait that may follow it, and how it ends."""

from typing import Any

import grpc
import pytest
from both_clients import MakeClient
from scripted_gateway import Answer, Hang, Refusal, ScriptedGateway, connected, refusal

from contextcore import ContextUnit
from contextworker.core.client import (
    InvalidRequestError,
    ResultUnavailableError,
    TaskCancelledError,
    TaskFailedError,
    TaskNotCompletedError,
    TaskNotDoneError,
    TaskTerminatedError,
)

Code = grpc.StatusCode
RUN = {"workflow_id": "w", "run_id": "r"}
CAME_TO = {"result": 2, "stdout": "hello\n", "calls_made": 1, "calls": [{"name": "products"}]}
DONE: Answer = {**RUN, "status": "completed", **CAME_TO}
RUNNING: Answer = {**RUN, "status": "running"}
CLOSED: Answer = {**RUN, "status": "completed", "result": CAME_TO}


def test_a_program_that_ends_in_time_is_one_call(client: Any, scripted: ScriptedGateway) -> None:
    """The reply is typed, and what was not given is not sent."""
    scripted.answers = [DONE]
    done = client.execute("1 + 1")
    assert (2, "hello\n", "", None) == (done.result, done.stdout, done.stderr, done.error)
    assert ("w", "r", 1, "products") == (
        done.workflow_id,
        done.run_id,
        done.calls_made,
        done.calls[0].name,
    )
    assert [("ExecuteCode", {"code": "1 + 1"}, ["client:execute_code"])] == [
        (asked.rpc, asked.unit.payload, asked.unit.provenance) for asked in scripted.asked
    ]


def test_what_is_given_travels_as_the_wire_has_it(client: Any, scripted: ScriptedGateway) -> None:
    """How long the code may compute is the call's `timeout`; how long we wait is the deadline."""
    parent = ContextUnit(provenance=["agent:plan"])
    scripted.answers = [DONE]
    client.execute(
        "n",
        inputs={"n": 1},
        code_timeout=60,
        language="python",
        tenant_id="acme",
        parent=parent,
        timeout=20,
    )
    (asked,) = scripted.asked
    sent = {"code": "n", "inputs": {"n": 1}, "timeout": 60, "language": "python"}
    assert {**sent, "tenant_id": "acme"} == asked.unit.payload
    assert (parent.trace_id, ["agent:plan", "client:execute_code"]) == (
        asked.unit.trace_id,
        asked.unit.provenance,
    )
    assert asked.seconds < 21


def test_the_code_s_own_error_is_no_error_of_the_call(
    client: Any, scripted: ScriptedGateway
) -> None:
    """A program that raises has run; what it raised, and where, is part of what it came to."""
    error = {"type": "LimitExceeded", "message": "too long", "line": 3, "limit": "timeout_s"}
    scripted.answers = [{**RUN, "status": "completed", "error": error, "stderr": "Traceback"}]
    done = client.execute("while True: pass")
    assert (True, "timeout_s", 3) == (done.done, done.error.limit, done.error.line)


@pytest.mark.parametrize("first", ["running", "queued"])
def test_a_longer_one_is_waited_for(client: Any, scripted: ScriptedGateway, first: str) -> None:
    """What comes of it is the same reply as at once."""
    scripted.answers = [{**RUN, "status": first}, [RUNNING, CLOSED]]
    assert DONE == client.execute("sleep()").dump()
    assert RUN == scripted.payloads[1]


def test_a_call_that_fails_in_passing_is_the_same_unit_again(
    client: Any, scripted: ScriptedGateway
) -> None:
    """A program runs once, however often the call has to be made."""
    scripted.answers = [Refusal(Code.UNAVAILABLE), DONE]
    client.execute("1 + 1")
    assert [scripted.unit_ids[0]] * 2 == scripted.unit_ids


def test_an_outage_while_it_runs_is_waited_out(client: Any, scripted: ScriptedGateway) -> None:
    """The gateway has said that it runs: from then on nothing is lost."""
    scripted.answers = [RUNNING, *[Refusal(Code.UNAVAILABLE)] * 3, [CLOSED]]
    assert client.execute("1 + 1").done


@pytest.mark.parametrize("follows", ["nothing", "running"])
def test_the_time_to_wait_ends_the_waiting_and_not_the_program(
    make_client: MakeClient, scripted: ScriptedGateway, follows: str
) -> None:
    """The error says what to wait for, also where the gateway did not answer again."""
    client = connected(make_client, scripted)
    scripted.answers = [RUNNING, Hang() if follows == "nothing" else [RUNNING, Hang()]]
    with pytest.raises(
        TaskNotDoneError, match="w is not done in the time given: it is running"
    ) as e:
        client.execute("sleep()", timeout=3)
    known = e.value.status
    assert known
    assert ("w", "r") == (known.workflow_id, known.run_id)


def test_who_does_not_wait_gets_the_first_reply(client: Any, scripted: ScriptedGateway) -> None:
    """It is to be followed like any task."""
    scripted.answers = [RUNNING]
    running = client.execute("sleep()", wait=False)
    assert (False, "running", "w") == (running.done, running.status, running.workflow_id)


def test_a_run_that_was_cancelled_says_so(client: Any, scripted: ScriptedGateway) -> None:
    """It is not the program that ended."""
    scripted.answers = [{**RUN, "status": "cancelled"}, [{**RUN, "status": "cancelled"}]]
    with pytest.raises(TaskCancelledError, match="w was cancelled"):
        client.execute("sleep()")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("failed", TaskFailedError),
        ("terminated", TaskTerminatedError),
        ("newer", TaskNotCompletedError),
        ("completed", ResultUnavailableError),
    ],
)
def test_a_run_that_left_no_result_is_not_tried_again(
    client: Any, scripted: ScriptedGateway, status: str, kind: type[Exception]
) -> None:
    """The same unit would find the same run; the error is that of the way it ended."""
    said = "it left no result"
    scripted.answers = [
        refusal(Code.ABORTED, "EXECUTION_FAILED", said, workflow_id="w", run_id="r", status=status)
    ]
    with pytest.raises(kind, match=said) as caught:
        client.execute("sleep()")
    assert kind is type(caught.value)
    if isinstance(caught.value, TaskNotCompletedError):
        assert caught.value.status
        assert ("w", status) == (caught.value.status.workflow_id, caught.value.status.status)


def test_inputs_that_cannot_travel_are_refused_before_they_are_sent(
    client: Any, scripted: ScriptedGateway
) -> None:
    """The path to what is wrong is named."""
    with pytest.raises(InvalidRequestError, match=r"payload\.inputs\.n"):
        client.execute("n", inputs={"n": 2**60})
    assert [] == scripted.asked
