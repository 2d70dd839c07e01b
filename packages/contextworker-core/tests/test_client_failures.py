"""The client in front of gateways that misbehave: what is tried again, and what it comes to."""

import subprocess
import sys
from typing import Any

import grpc
import pytest
from both_clients import MakeClient
from scripted_gateway import (
    Answer,
    Garbage,
    Hang,
    Refusal,
    ScriptedGateway,
    connected,
    refusal,
)

from contextworker.core.client import errors
from contextworker.core.client.retrying import Backoff, Budget
from contextworker.core.errors import ContextWorkerError, PermanentError, TransientError
from contextworker.core.testing.server import free_port

Code = grpc.StatusCode
STARTED = {"workflow_id": "w", "run_id": "r"}


def test_a_start_that_fails_in_passing_is_the_same_unit_again(
    client: Any, scripted: ScriptedGateway
) -> None:
    """Every attempt carries the same unit, so the gateway starts one run."""
    away = Refusal(Code.UNAVAILABLE)
    scripted.answers = [away, away, STARTED]
    task = client.start("harvest")
    assert [task.unit.unit_id] * 3 == scripted.unit_ids


def test_an_attempt_that_hangs_is_made_again(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """One lost call does not use up the time of all; it is the same unit again."""
    # A busy machine may make it wait for more than one answer.
    scripted.answers = [Hang(), *[STARTED] * 60]
    client = make_client(scripted.address, timeout=60, attempt_timeout=1)
    task = client.start("harvest")
    assert {task.unit.unit_id} == set(scripted.unit_ids)
    assert 1 < len(scripted.unit_ids)


def test_a_gateway_that_always_hangs_ends_in_a_timeout(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """The time of all attempts is bounded."""
    client = connected(make_client, scripted, timeout=6, attempt_timeout=2)
    scripted.answers = [Hang()] * 20
    with pytest.raises(TimeoutError, match="did not answer in time") as caught:
        client.start("harvest")
    assert isinstance(caught.value, errors.DeadlineExceededError)
    assert 1 == len(set(scripted.unit_ids))
    assert 1 < len(scripted.unit_ids) < 5


@pytest.mark.parametrize(
    "passing",
    [
        refusal(Code.UNAVAILABLE, "TEMPORAL_UNAVAILABLE", retry_after_s=0.05),
        refusal(Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", retry_after_s=0.05),
        refusal(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        Refusal(Code.ABORTED),
        Refusal(Code.CANCELLED),
    ],
    ids=["unavailable", "rate-limited", "deadline", "aborted", "cancelled"],
)
def test_what_passes_is_tried_again(
    client: Any, scripted: ScriptedGateway, passing: Answer
) -> None:
    """The caller does not see it."""
    scripted.answers = [passing, {"modules": []}]
    assert [] == client.modules()
    assert 2 == len(scripted.asked)


REFUSALS: list[tuple[Answer, type[errors.ClientError]]] = [
    (refusal(Code.INVALID_ARGUMENT, "INVALID_REQUEST"), errors.InvalidRequestError),
    (refusal(Code.UNAUTHENTICATED, "UNAUTHENTICATED"), errors.UnauthenticatedError),
    (Refusal(Code.UNAUTHENTICATED), errors.UnauthenticatedError),
    (refusal(Code.PERMISSION_DENIED, "TENANT_DENIED"), errors.PermissionDeniedError),
    (refusal(Code.NOT_FOUND, "UNKNOWN_WORKFLOW_TYPE"), errors.UnknownWorkflowTypeError),
    (refusal(Code.NOT_FOUND, "RUN_NOT_FOUND"), errors.TaskNotFoundError),
    (refusal(Code.NOT_FOUND, "SCHEDULE_NOT_FOUND"), errors.ScheduleNotFoundError),
    (Refusal(Code.NOT_FOUND), errors.NotFoundError),
    (refusal(Code.FAILED_PRECONDITION, "ROUTE_CONFLICT"), errors.FailedPreconditionError),
    (refusal(Code.UNIMPLEMENTED, "NOT_OFFERED"), errors.NotOfferedError),
    (refusal(Code.RESOURCE_EXHAUSTED, "SOMETHING"), errors.ResourceExhaustedError),
    (refusal(Code.INTERNAL, "INTERNAL", incident="abc"), errors.GatewayFaultError),
    (Refusal(Code.UNKNOWN, "oh"), errors.GatewayFaultError),
    (Refusal(Code.DATA_LOSS), errors.GatewayFaultError),
    (Garbage(), errors.GatewayFaultError),
    ({"modules": "none"}, errors.GatewayFaultError),
]


@pytest.mark.parametrize(
    ("answer", "kind"),
    REFUSALS,
    ids=[f"{n}-{kind.__name__}" for n, (_, kind) in enumerate(REFUSALS)],
)
def test_each_refusal_is_of_its_kind_and_told_once(
    client: Any, scripted: ScriptedGateway, answer: Answer, kind: type[errors.ClientError]
) -> None:
    """What would fail the same way is not tried again."""
    scripted.answers = [answer]
    with pytest.raises(errors.ClientError) as caught:
        client.modules()
    assert kind is type(caught.value)
    assert 1 == len(scripted.asked)


def test_every_error_hangs_from_one_of_the_branches() -> None:
    """A service may ask whether trying again helps without knowing the kinds."""
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ClientError)
    ]
    wrong = [
        kind.__name__
        for kind in kinds
        if kind is not errors.ClientError
        and issubclass(kind, PermanentError) == issubclass(kind, TransientError)
    ]
    assert [] == wrong
    tree = (errors.__doc__ or "").split()
    assert [] == [kind.__name__ for kind in kinds if kind.__name__ not in tree]
    assert issubclass(errors.ClientError, ContextWorkerError)


def test_nobody_at_the_address_is_said_after_the_attempts(make_client: MakeClient) -> None:
    """A client that is not to wait for a gateway says so soon."""
    client = make_client(f"127.0.0.1:{free_port()}", attempts=2)
    with pytest.raises(errors.UnreachableError, match=r"no gateway answers at 127\.0\.0\.1"):
        client.modules()


def test_a_gateway_that_comes_later_is_waited_for(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """A service may start before its gateway, or while that restarts."""
    scripted.stop()
    port = free_port()
    client = make_client(f"127.0.0.1:{port}", timeout=60, attempt_timeout=30)
    with pytest.raises(errors.UnreachableError):
        client.start("harvest", timeout=3)
    scripted.answers = [STARTED]
    scripted.start(port)
    client.start("harvest")
    assert 1 == len(scripted.asked)


def test_another_kind_of_server_is_told_from_a_gateway(make_client: MakeClient) -> None:
    """Temporal's own port is an easy mistake."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for this test alone

    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with pytest.raises(errors.NotOfferedError, match="is no gateway, or one that does not offer"):
        make_client(f"127.0.0.1:{port}").modules()
    server.stop(None).wait()


def test_a_reply_that_is_too_large_says_so(client: Any, scripted: ScriptedGateway) -> None:
    """What is too large once is too large again."""
    scripted.answers = [{"modules": [], "more": "x" * 5_000_000}]
    with pytest.raises(errors.TooLargeError, match="larger than a message may be"):
        client.modules()
    assert 1 == len(scripted.asked)


def test_a_delete_whose_reply_was_lost_is_done(client: Any, scripted: ScriptedGateway) -> None:
    """The second attempt finds nothing, because the first one deleted it."""
    gone = refusal(Code.NOT_FOUND, "SCHEDULE_NOT_FOUND")
    scripted.answers = [Refusal(Code.UNAVAILABLE), gone, gone]
    assert "nightly" == client.schedules.delete("nightly").schedule_id
    with pytest.raises(errors.ScheduleNotFoundError):
        client.schedules.delete("nightly")


def _unavailable(retry_after_s: float | None = None) -> errors.UnavailableError:
    return errors.UnavailableError("away", retry_after_s=retry_after_s)


def test_the_gateway_is_given_the_time_it_asks_for() -> None:
    """A pause is never shorter than what the gateway says, and grows where it says nothing."""
    backoff = Backoff(Budget(60), None)
    assert 2 <= backoff(_unavailable(2)) < 3
    backoff = Backoff(Budget(60), None)
    pauses = [backoff(_unavailable()) for _ in range(12)]
    assert 0.1 <= pauses[0] < 0.2 <= pauses[1] < 0.3
    assert 3 <= pauses[-1] < 4


def test_a_pause_that_takes_longer_than_is_left_is_not_begun() -> None:
    """The caller learns at once what it would learn after waiting in vain."""
    assert False is Backoff(Budget(1), None)(_unavailable(5))
    assert False is Backoff(Budget(0), None)(_unavailable())
    assert False is Backoff(Budget(60), 1)(_unavailable())


def test_a_script_is_not_told_of_each_attempt() -> None:
    """A script that sets up no logging sees what it prints itself, and nothing besides."""
    script = (
        "from contextworker.core.client import ClientError, WorkerClient\n"
        "try:\n"
        f"    WorkerClient('127.0.0.1:{free_port()}', timeout=1).modules()\n"
        "except ClientError:\n"
        "    print('away')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert ("away\n", "") == (done.stdout, done.stderr)
