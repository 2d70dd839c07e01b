"""What is said and refused about a module's versions, from how they stand."""

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest
from rich.console import Console
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contextworker.cli.deployments import deciding, reaching
from contextworker.cli.deployments.advice import advise
from contextworker.cli.deployments.checking import check, choose
from contextworker.cli.deployments.models import Deployment, Routing, Version, VersionState
from contextworker.cli.deployments.views import deployments_view
from contextworker.cli.errors import DeployError
from contextworker.cli.output.spans import span
from contextworker.cli.stack.processes import ProcessState
from contextworker.cli.stack.state import StackState, write_state

NOW = datetime.now(UTC)
NOBODY = cast("Client", None)  # where nothing may be asked of Temporal


def version(number: int, **known: Any) -> Version:
    """Make a version: each later one was created an hour after the one before."""
    return Version.model_validate(
        {
            "build_id": f"{number}",
            "state": VersionState.INACTIVE,
            "percentage": 0,
            "created_at": NOW + timedelta(hours=number),
            "last_current_at": None,
            "workers": 1,
            "last_poll_at": NOW,
            "pinned_runs": 0,
            "backlog": 0,
            "backlog_age_s": 0,
            "task_queues": frozenset({"m-tasks"}),
            "routes": ("m",),
            **known,
        }
    )


def deployment(*versions: Version, manager: str = "", **routing: Any) -> Deployment:
    """Make a deployment of some versions, the newest first."""
    return Deployment(
        module="m",
        name="m",
        manager=manager,
        routing=Routing(**{"current": None, **routing}),
        versions=versions,
        conflict_token=b"",
    )


CURRENT = version(1, state=VersionState.CURRENT, last_current_at=NOW)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"routes": None}, "m 2 has announced no routes"),
        (
            {"workers": 0, "last_poll_at": NOW - timedelta(minutes=3)},
            r"its last poll was \d+ (min|h) ago",
        ),
        ({"workers": 0, "last_poll_at": None}, "Temporal remembers no poll of its workers"),
        ({"task_queues": frozenset({"n-tasks"})}, "m 2 does not poll m-tasks, where m works now"),
    ],
    ids=["no routes", "silent worker", "no worker", "left queue"],
)
def test_a_version_that_cannot_take_over_is_refused(known: Mapping[str, Any], says: str) -> None:
    """The sentence names the version and what it lacks."""
    newer = version(2, **known)

    with pytest.raises(DeployError, match=says):
        check(deployment(newer, CURRENT, current="1"), newer, force=False)


def test_force_says_what_it_overrides() -> None:
    """Nothing is ignored silently."""
    newer = version(2, workers=0, task_queues=frozenset({"n-tasks"}), routes=("n",))

    assert [
        "m 2 has no live worker: runs that start on it wait for one.",
        "Nobody serves m-tasks for the current version any more.",
        "m 2 does not serve m, which is served now.",
    ] == check(deployment(newer, CURRENT, current="1"), newer, force=True)


def test_no_force_promotes_a_version_without_routes() -> None:
    """The gateway would lose the module."""
    newer = version(2, routes=None)

    with pytest.raises(DeployError, match="announced no routes"):
        check(deployment(newer, CURRENT, current="1"), newer, force=True)


def test_the_newest_version_is_the_default() -> None:
    """Never an older one: that would be a rollback by accident."""
    newest = version(3, state=VersionState.CURRENT)
    stands = deployment(newest, version(2), CURRENT, current="3")

    assert newest is choose(stands, None)
    with pytest.raises(DeployError, match=r"m has no version '9'; known: 3, 2, 1\."):
        choose(stands, "9")


async def test_promoting_the_current_version_changes_nothing() -> None:
    """Asking twice is no failure, and nothing is sent."""
    change = await deciding.promote(NOBODY, deployment(CURRENT, current="1"), None, force=False)

    assert not change.changed
    assert ("1 is the current version, and the newest.",) == change.notes


@pytest.mark.parametrize(
    ("routing", "build_id", "percentage", "says"),
    [
        ({}, "2", 10, "m has no current version that the other runs could go to"),
        ({"current": "1"}, "1", 10, "m 1 is current"),
        ({"current": "1"}, "2", 100, "what promoting is for"),
        ({"current": "1", "ramping": "2", "percentage": 5}, "1", 0, "m 1 is not ramping; 2 is"),
    ],
    ids=["no current", "the current", "everything", "another ramps"],
)
async def test_a_ramp_that_makes_no_sense_is_refused(
    routing: Mapping[str, Any], build_id: str, percentage: float, says: str
) -> None:
    """Before anything is sent."""
    stands = deployment(version(2), CURRENT, **routing)

    with pytest.raises(DeployError, match=says):
        await deciding.ramp(NOBODY, stands, build_id, percentage, force=False)


async def test_the_same_ramp_again_changes_nothing() -> None:
    """Also ending one where there is none."""
    ramping = deployment(version(2), CURRENT, current="1", ramping="2", percentage=10)

    assert not (await deciding.ramp(NOBODY, ramping, "2", 10, force=False)).changed
    steady = deployment(version(2), CURRENT, current="1")
    assert not (await deciding.ramp(NOBODY, steady, None, 0, force=False)).changed


@pytest.mark.parametrize(
    ("versions", "says"),
    [
        ([version(2), CURRENT], "m 1 is the first version that Temporal remembers as current"),
        (
            [
                version(2, last_current_at=NOW),
                version(1, last_current_at=NOW - timedelta(hours=1), workers=0, last_poll_at=None),
            ],
            "m 1 has no live worker",
        ),
        ([version(1)], "m has no current version to go back from"),
    ],
    ids=["the first", "no worker", "none current"],
)
async def test_a_rollback_to_nowhere_is_refused(versions: list[Version], says: str) -> None:
    """It names the version whose workers to start."""
    current = "1" if versions[-1] is CURRENT else ("2" if len(versions) > 1 else None)

    with pytest.raises(DeployError, match=says):
        await deciding.rollback(NOBODY, deployment(*versions, current=current), force=False)


async def test_a_second_rollback_goes_no_further_back() -> None:
    """Two people in one outage must not land two versions back."""
    rolled_back = deployment(
        version(3, last_current_at=NOW - timedelta(minutes=5)),
        version(2, last_current_at=NOW),
        version(1, last_current_at=NOW - timedelta(days=1)),
        current="2",
    )

    change = await deciding.rollback(NOBODY, rolled_back, force=False)

    assert not change.changed
    assert "2 is current since 3 was rolled back" in change.notes[0]


@pytest.mark.parametrize(
    "error",
    [
        RPCError("conflict token mismatch", RPCStatusCode.FAILED_PRECONDITION, b""),
        RPCError(
            "too many requests issued to Worker Deployment 'm'. Please try again later",
            RPCStatusCode.RESOURCE_EXHAUSTED,
            b"",
        ),
    ],
    ids=["after another", "beside another"],
)
async def test_of_two_changes_at_once_one_is_made(error: RPCError) -> None:
    """Temporal's answer depends on the moment; what it means to a person does not."""
    refuse = AsyncMock(side_effect=error)
    service = SimpleNamespace(set_worker_deployment_current_version=refuse)
    client = SimpleNamespace(workflow_service=service, namespace="default", identity="me")
    stands = deployment(version(2), CURRENT, current="1")

    with pytest.raises(DeployError, match="Somebody else changed the versions of m meanwhile"):
        await deciding.promote(cast("Client", client), stands, "2", force=False)


@pytest.mark.parametrize("command", ["promote", "ramp", "rollback"])
async def test_a_managed_deployment_is_left_to_its_manager(command: str) -> None:
    """Temporal would refuse; the sentence says whom to turn to."""
    stands = deployment(version(2), CURRENT, current="1", manager="worker-controller/shop")
    changes = {
        "promote": deciding.promote(NOBODY, stands, None, force=True),
        "ramp": deciding.ramp(NOBODY, stands, None, 10, force=True),
        "rollback": deciding.rollback(NOBODY, stands, force=True),
    }
    asked = changes.pop(command)
    for other in changes.values():
        other.close()

    with pytest.raises(DeployError, match="promoted by worker-controller/shop, and by nobody else"):
        await asked


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"state": VersionState.CURRENT}, ""),
        ({"state": VersionState.CURRENT, "workers": 0}, "no live worker: new runs wait for one"),
        ({"state": VersionState.DRAINING, "pinned_runs": 2}, "keep its workers"),
        ({"state": VersionState.DRAINING, "pinned_runs": 2, "workers": 0}, "start a worker of 2"),
        ({"state": VersionState.DRAINING}, "wait until Temporal calls it drained"),
        ({"state": VersionState.DRAINED}, "its workers can be stopped"),
        ({"state": VersionState.DRAINED, "workers": 0}, ""),
        ({"state": VersionState.INACTIVE}, "contextworker deploy promote m 2"),
        ({"state": VersionState.INACTIVE, "workers": 0}, "no live worker"),
        ({"state": VersionState.INACTIVE, "routes": None}, "has not announced its routes"),
        ({"state": VersionState.RAMPING}, "contextworker deploy rollback m"),
    ],
    ids=[
        "current",
        "current without worker",
        "draining",
        "draining without worker",
        "draining without runs",
        "drained",
        "drained without worker",
        "waiting",
        "waiting without worker",
        "waiting without routes",
        "ramping",
    ],
)
def test_a_version_says_what_it_needs(known: Mapping[str, Any], says: str) -> None:
    """Keep, start, stop or promote: one of them, or nothing."""
    asked = version(2, **known)

    advice = advise(deployment(asked, current="1"), asked)

    assert says in advice
    assert bool(says) == bool(advice)


def test_a_version_is_shown_whole_on_a_narrow_terminal() -> None:
    """Its id is what the next command is given, and has a commit in it."""
    build_id = "0.3.0-9f2c41d07be3"
    busy = version(
        2, build_id=build_id, percentage=12.5, pinned_runs=56, backlog=12, backlog_age_s=7_300
    )
    console = Console(width=80)

    with console.capture() as captured:
        console.print(deployments_view([deployment(busy, CURRENT, current="1")]))
    row = captured.get().splitlines()[4]

    assert [build_id, "inactive", "12.5 %"] == re.split(r"\s{2,}", row.strip())[:3]
    assert "12, 2 h" in row


@pytest.mark.parametrize(
    ("status", "message", "says"),
    [
        (RPCStatusCode.PERMISSION_DENIED, "no", "does not permit this in the namespace 'default'"),
        (RPCStatusCode.UNAUTHENTICATED, "who?", "does not permit this"),
        (RPCStatusCode.UNIMPLEMENTED, "unknown method", "knows no Worker Versioning"),
        (RPCStatusCode.UNAVAILABLE, "gone", "No Temporal answers"),
        (RPCStatusCode.NOT_FOUND, "Namespace default is not found.", "has no namespace 'default'"),
        (RPCStatusCode.INTERNAL, "it hurts", "refuses: it hurts"),
    ],
    ids=lambda value: value.name if isinstance(value, RPCStatusCode) else None,
)
def test_what_temporal_says_is_a_sentence(status: RPCStatusCode, message: str, says: str) -> None:
    """Every refusal names the server it comes from."""
    told = reaching.refusal(RPCError(message, status, b""), "temporal:7233", "default")

    assert says in str(told)
    assert "temporal:7233" in str(told)


def test_the_running_stack_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Temporal is meant where the environment names none; nothing else of it is then."""
    monkeypatch.chdir(tmp_path)
    process = ProcessState.of(os.getpid(), "up")
    assert process is not None
    state = StackState(
        up=process,
        ready=True,
        written_at=NOW,
        gateway="127.0.0.1:1",
        temporal="127.0.0.1:7777",
        ui="http://127.0.0.1:2",
        brain_url="",
        store_url="",
        suppliers_dir=tmp_path,
        logs=tmp_path,
        processes=[],
    )
    write_state(tmp_path, state)

    found = reaching.environment({"TEMPORAL_API_KEY": "k", "HOME": "/h"}, tmp_path)
    named = {"TEMPORAL_ADDRESS": "cloud:7233", "TEMPORAL_API_KEY": "k"}

    assert "127.0.0.1:7777" == found["TEMPORAL_ADDRESS"]
    assert ("/h", False) == (found["HOME"], "TEMPORAL_API_KEY" in found)
    assert named == reaching.environment(named, tmp_path)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-1, "0 s"), (59, "59 s"), (60, "1 min"), (7_300, "2 h"), (200_000, "2 d")],
)
def test_spans_are_read_at_a_glance(seconds: float, expected: str) -> None:
    """One unit, the largest that fits."""
    assert expected == span(timedelta(seconds=seconds))
