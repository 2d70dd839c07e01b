"""Following a task with the client, through whatever happens to the stream."""

from typing import Any

import grpc
import pytest
from both_clients import MakeClient
from scripted_gateway import Answer, Hang, Refusal, ScriptedGateway, connected, refusal

from contextworker.core.client import errors
from contextworker.core.testing.server import free_port

Code = grpc.StatusCode
RUNNING: Answer = {"status": "running"}
COMPLETED: Answer = {"status": "completed", "result": {"rows": 5}}


def at(done: int) -> Answer:
    """A running task's progress."""
    return {"status": "running", "progress": {"stage": "storing", "done": done}}


def seen(states: Any) -> list[tuple[str, int | None]]:
    """What a watcher was told."""
    return [(s.status, s.progress.done if s.progress else None) for s in states]


def test_each_change_is_told_until_the_task_has_closed(
    client: Any, scripted: ScriptedGateway
) -> None:
    """One call is enough for a task's whole life."""
    scripted.answers = [[{"status": "queued"}, RUNNING, at(1), COMPLETED, RUNNING]]
    states = list(client.watch("w"))
    expected = [("queued", None), ("running", None), ("running", 1), ("completed", None)]
    assert expected == seen(states)
    assert {"rows": 5} == states[-1].result
    assert [("WatchTask", {"workflow_id": "w"})] == [
        (asked.rpc, asked.unit.payload) for asked in scripted.asked
    ]


def test_a_dropped_stream_is_taken_up_again_without_repeats(
    client: Any, scripted: ScriptedGateway
) -> None:
    """Of what was told before the drop, nothing is told again; heartbeats are no news."""
    beat = {**at(1), "pending_activities": [{"last_heartbeat_at": "2026-11-22T00:00:00Z"}]}  # type: ignore[dict-item]
    scripted.answers = [
        [RUNNING, at(1), Refusal(Code.UNAVAILABLE, "Socket closed")],
        Refusal(Code.UNAVAILABLE),
        [at(1)],
        [beat, at(2), COMPLETED],
    ]
    heard: list[Any] = []
    states = list(client.watch("w", on_interruption=heard.append))
    expected = [("running", None), ("running", 1), ("running", 2), ("completed", None)]
    assert expected == seen(states)
    assert [errors.UnreachableError, type(None)] == [type(word) for word in heard]


def test_a_connection_that_is_made_anew_at_once_is_no_outage(
    client: Any, scripted: ScriptedGateway
) -> None:
    """Gateways close old connections, and those that stop send their watchers elsewhere."""
    scripted.answers = [[RUNNING, Refusal(Code.UNAVAILABLE)], [RUNNING], [COMPLETED]]
    heard: list[Any] = []
    states = list(client.watch("w", on_interruption=heard.append))
    assert [("running", None), ("completed", None)] == seen(states)
    assert [] == heard


def test_a_gateway_that_restarts_half_way_is_waited_for(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """The connection really breaks, and nobody listens for a while."""
    scripted.stop()
    port = free_port()
    scripted.start(port)
    scripted.answers = [[at(1), Hang()], [at(1), at(2), COMPLETED]]
    states = make_client(scripted.address, attempt_timeout=30).watch("w")
    first = next(states)
    scripted.stop()
    scripted.start(port)
    expected = [("running", 1), ("running", 2), ("completed", None)]
    assert expected == seen([first, *states])


def test_a_stream_is_renewed_before_its_deadline_can_hurt(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """The first stream is short, to find a gateway that hangs; one that answers gets a long one."""
    client = connected(make_client, scripted, attempt_timeout=3)
    scripted.answers = [[RUNNING, Hang()], [RUNNING, COMPLETED]]
    heard: list[Any] = []
    states = list(client.watch("w", on_interruption=heard.append))
    assert [("running", None), ("completed", None)] == seen(states)
    assert [] == heard
    assert [True, True] == [scripted.asked[0].seconds < 4, scripted.asked[1].seconds > 100]


def test_a_gateway_without_watch_is_asked_again_and_again(
    client: Any, scripted: ScriptedGateway
) -> None:
    """An older gateway can be followed too."""
    scripted.answers = [
        refusal(Code.UNIMPLEMENTED, "NOT_OFFERED"),
        RUNNING,
        RUNNING,
        Refusal(Code.UNAVAILABLE),
        COMPLETED,
    ]
    states = list(client.watch("w"))
    assert [("running", None), ("completed", None)] == seen(states)
    rpcs = [asked.rpc for asked in scripted.asked]
    assert ["WatchTask", *["GetTaskStatus"] * 4] == rpcs


def test_a_token_that_expires_under_a_stream_is_asked_for_anew(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """A gateway ends streams with their tokens; whoever has a fresh one goes on."""
    expired = refusal(Code.UNAUTHENTICATED, "UNAUTHENTICATED", "the token has expired")
    scripted.answers = [[RUNNING, expired], [RUNNING, at(1), COMPLETED]]
    tokens = iter(["old", "fresh"])
    client = make_client(scripted.address, token=lambda: next(tokens))
    states = list(client.watch("w"))
    assert [("running", None), ("running", 1), ("completed", None)] == seen(states)
    assert ["Bearer old", "Bearer fresh"] == [
        asked.metadata["authorization"] for asked in scripted.asked
    ]


def test_a_token_that_stays_expired_ends_the_watch(client: Any, scripted: ScriptedGateway) -> None:
    """Refused before an answer, it will be refused again."""
    expired = refusal(Code.UNAUTHENTICATED, "UNAUTHENTICATED", "the token has expired")
    scripted.answers = [[RUNNING, expired], expired]
    states = client.watch("w")
    next(states)
    with pytest.raises(errors.UnauthenticatedError, match="expired"):
        next(states)
    assert [] == scripted.answers


@pytest.mark.parametrize("before", [[], [RUNNING]], ids=["at-once", "half-way"])
def test_an_answer_that_will_not_change_ends_the_watch(
    client: Any, scripted: ScriptedGateway, before: list[Answer]
) -> None:
    """A task that is gone is not asked for again and again."""
    scripted.answers = [[*before, refusal(Code.NOT_FOUND, "RUN_NOT_FOUND", "no such run")]]
    states = client.watch("w")
    for _ in before:
        next(states)
    with pytest.raises(errors.TaskNotFoundError, match="no such run"):
        next(states)
    assert 1 == len(scripted.asked)


def test_a_gateway_that_never_answers_is_not_waited_for_without_end(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """Until the first answer, an outage is borne as long as any call's."""
    scripted.answers = [Refusal(Code.UNAVAILABLE)] * 3
    client = make_client(scripted.address, attempts=3)
    with pytest.raises(errors.UnreachableError):
        list(client.watch("w"))
    assert [] == scripted.answers


def test_whoever_stops_looking_is_gone_from_the_gateway(
    client: Any, scripted: ScriptedGateway
) -> None:
    """An abandoned watch holds no slot."""
    scripted.answers = [[RUNNING, Hang()]]
    states = client.watch("w")
    next(states)
    states.close()
    assert scripted.left.wait(20)


def test_a_result_is_what_the_workflow_returned(client: Any, scripted: ScriptedGateway) -> None:
    """Also where that is nothing."""
    scripted.answers = [[RUNNING, COMPLETED], [{"status": "completed", "result": None}]]
    assert {"rows": 5} == client.result("w")
    assert None is client.result("w", run_id="r")
    assert {"workflow_id": "w", "run_id": "r"} == scripted.payloads[1]


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (
            {"status": "failed", "error": {"type": "E", "message": "no tents"}},
            errors.TaskFailedError,
            "the task w failed: no tents",
        ),
        (
            {"status": "cancelled", "reason": "the run was cancelled"},
            errors.TaskCancelledError,
            "the task w was cancelled: the run was cancelled",
        ),
        ({"status": "terminated"}, errors.TaskTerminatedError, "the task w was terminated"),
        ({"status": "timed_out"}, errors.TaskTimedOutError, "the task w timed out"),
        (
            {"status": "paused", "closed_at": "2026-11-22T00:00:00Z"},
            errors.TaskNotCompletedError,
            "the task w ended: paused",
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_task_that_ended_otherwise_raises(
    client: Any, scripted: ScriptedGateway, status: Any, kind: type, says: str
) -> None:
    """There is a class for each end; the status comes with it."""
    scripted.answers = [[status]]
    with pytest.raises(errors.TaskNotCompletedError) as caught:
        client.result("w")
    assert (kind, says) == (type(caught.value), str(caught.value))
    assert caught.value.status is not None
    assert status["status"] == caught.value.status.status


def test_a_result_that_does_not_fit_is_no_silent_none(
    client: Any, scripted: ScriptedGateway
) -> None:
    """The gateway's reason is the message."""
    scripted.answers = [[{"status": "completed", "reason": "more than a reply can hold"}]]
    with pytest.raises(errors.ResultUnavailableError, match="more than a reply can hold"):
        client.result("w")


def test_a_result_that_is_not_there_in_time_raises(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """It is a TimeoutError, says how the task stands, and that it can be waited for again."""
    client = connected(make_client, scripted)
    scripted.answers = [[at(3), Hang()]]
    with pytest.raises(TimeoutError, match="is not done in the time given: it is running; ") as e:
        client.result("w", timeout=3)
    assert str(e.value).endswith("it goes on, and you may wait for it again")
    assert isinstance(e.value, errors.TaskNotDoneError)
    assert e.value.status is not None
    assert "running" == e.value.status.status


@pytest.mark.parametrize("timeout", [0, 0.3])
def test_nothing_is_said_of_a_task_that_nobody_told_of(
    client: Any, scripted: ScriptedGateway, timeout: float
) -> None:
    """Without an answer in time it may be open, have ended, or not exist: a TimeoutError, too."""
    scripted.answers = [Hang()]
    with pytest.raises(TimeoutError, match="in time") as caught:
        client.result("w", timeout=timeout)
    assert errors.DeadlineExceededError is type(caught.value)


def test_an_outage_does_not_make_a_timed_watch_longer(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """The time to wait is kept whatever the gateway does."""
    client = connected(make_client, scripted)
    away = refusal(Code.UNAVAILABLE, "TEMPORAL_UNAVAILABLE", retry_after_s=600)
    scripted.answers = [[at(3), away]]
    with pytest.raises(errors.TaskNotDoneError):
        list(client.watch("w", timeout=3))
