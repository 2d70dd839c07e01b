"""Commands against a gateway that does as it is told: what is sent, shown, and said of failures."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from scripted_gateway import Answer, Hang, Refusal, Script, ScriptedGateway, refusal

from contextworker.cli.client.follow import follow
from contextworker.cli.errors import StalledError
from contextworker.core.client import AsyncWorkerClient, TaskStatus

Call = Callable[..., Any]
Code = grpc.StatusCode
COMPLETED: Answer = {"workflow_id": "w", "status": "completed", "result": {"rows": 5}}
TASK = {
    "workflow_id": "harvest-acme-x",
    "workflow_type": "harvest",
    "tenant_id": "acme",
    "status": "timed_out",
    "started_at": "2026-11-22T00:00:00.000Z",
    "closed_at": "2026-11-22T00:02:00.000Z",
}
SCHEDULE = {
    "schedule_id": "nightly",
    "tenant_id": "acme",
    "workflow_type": "harvest",
    "cron": "0 3 * * *",
    "timezone": "Europe/Kyiv",
    "paused": True,
    "note": "sale [bold]",
    "recent_runs": [
        {"workflow_id": "w2", "run_id": "r", "started_at": "2026-11-22T01:00:00.300Z"},
        {"workflow_id": "w1", "run_id": "r", "started_at": "2026-11-21T01:00:00.300Z"},
    ],
}
FILE = """
tenant_id = "acme"
[[schedules]]
schedule_id = "nightly"
workflow_type = "harvest"
cron = "0 3 * * *"
payload = { supplier_code = "camping-trade", full = true }
"""


class Notes:
    """A view that keeps everything."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.notes: list[str] = []

    def show(self, status: TaskStatus) -> None:
        self.shown.append(status.status)

    def note(self, text: str) -> None:
        self.notes.append(text)


def words(text: str) -> str:
    """Text without what lays it out."""
    return " ".join(text.split())


def test_a_start_that_is_watched_follows_its_own_run(ask: Call, gateway: ScriptedGateway) -> None:
    """The exit code is the run's; the reply goes to stdout, everything else to stderr."""
    started = {"workflow_id": "w", "run_id": "r", "status": "already_running"}
    called = ask("start", "harvest", "n:=5", "--watch", answers=[started, [COMPLETED]])
    assert 0 == called.code
    assert "workflow w status completed result rows 5" == words(called.out)
    assert "w already running" in called.err
    assert [
        {"workflow_type": "harvest", "n": 5},
        {"workflow_id": "w", "run_id": "r"},
    ] == gateway.payloads
    assert ["cli:start_workflow"] == gateway.asked[0].unit.provenance


@pytest.mark.parametrize(
    ("arguments", "answers", "payload", "shown"),
    [
        (
            ["cancel", "w", "--reason", "mine"],
            [{"workflow_id": "w", "status": "cancelling"}],
            {"workflow_id": "w", "reason": "mine"},
            "w cancelling",
        ),
        (
            ["tasks", "--type", "harvest", "--until", "2026-11-23T00:00Z", "--limit", "1"],
            [{"tasks": [TASK, TASK], "next_page_token": "more"}],
            {"workflow_type": "harvest", "started_before": "2026-11-23T00:00:00Z", "page_size": 1},
            "harvest-acme-x harvest acme timed out",
        ),
        (["tasks", "--tenant", "a"], [{}], {"tenant_id": "a", "page_size": 20}, ""),
        (
            ["schedules", "list"],
            [{"schedules": [SCHEDULE]}],
            {},
            "0 3 * * * Europe/Kyiv paused 2026-11-22 01:00 UTC nightly: sale [bold]",
        ),
        (
            ["schedules", "pause", "nightly", "--note", "sale"],
            [{"schedule_id": "nightly", "paused": True}],
            {"schedule_id": "nightly", "note": "sale"},
            "nightly is paused",
        ),
        (
            ["schedules", "resume", "nightly", "--tenant", "acme"],
            [{"schedule_id": "nightly", "paused": False}],
            {"schedule_id": "nightly", "tenant_id": "acme"},
            "nightly goes on",
        ),
        (
            ["schedules", "trigger", "nightly", "--overlap", "allow_all"],
            [{"schedule_id": "nightly", "workflow_id": "w"}],
            {"schedule_id": "nightly", "overlap": "allow_all"},
            "w started",
        ),
        (
            ["schedules", "trigger", "nightly"],
            [{"schedule_id": "nightly", "reason": "an earlier run is open"}],
            {"schedule_id": "nightly"},
            "nightly: an earlier run is open",
        ),
        (
            ["schedules", "backfill", "nightly", "2026-11-01T00:00Z", "2026-11-03T00:00Z"],
            [{"schedule_id": "nightly", "runs": 2}],
            {
                "schedule_id": "nightly",
                "start_at": "2026-11-01T00:00:00Z",
                "end_at": "2026-11-03T00:00:00Z",
            },
            "nightly: 2 times of the cron backfilled",
        ),
        (
            ["schedules", "delete", "nightly"],
            [{"schedule_id": "nightly"}],
            {"schedule_id": "nightly"},
            "nightly is deleted",
        ),
    ],
    ids=lambda value: "-".join(value[:3]) if isinstance(value, list) and value[1:] else "",
)
def test_a_command_is_one_call_and_one_answer(
    *,
    ask: Call,
    gateway: ScriptedGateway,
    arguments: list[str],
    answers: list[Script],
    payload: dict[str, Any],
    shown: str,
) -> None:
    """What is asked and what is shown, for a person and as JSON."""
    called = ask(*arguments, answers=list(answers))
    assert 0 == called.code, called.err
    assert shown in words(called.out)
    assert [payload] == gateway.payloads
    called = ask(*arguments, "--json", answers=list(answers))
    assert 0 == called.code
    assert json.loads(called.out) is not None


def test_modules_show_versions_and_what_waits(ask: Call) -> None:
    """Whether a module keeps up, and which of its versions are about."""
    module = {
        "name": "harvest",
        "task_queue": "harvest-tasks",
        "build_id": "0.2.0",
        "workers": 0,
        "versions": [
            {"build_id": "0.3.0", "status": "ramping", "ramp_percentage": 12.5},
            {"build_id": "0.2.0", "status": "current"},
        ],
        "backlog": {
            "workflow": {"count": 1000, "oldest_age_s": 90.5},
            "activity": {"count": 2, "oldest_age_s": 1},
        },
        "routes": [{"workflow_type": "harvest", "description": "Imports."}],
    }
    called = ask("modules", answers=[{"modules": [module]}])
    assert (
        "harvest 0.2.0, queue harvest-tasks, no worker, waiting: 1,002, the oldest for 1 min "
        "versions 0.3.0 ramping 12.5 %, 0.2.0 current harvest Imports."
    ) == words(called.out)
    assert [module] == json.loads(ask("modules", "--json", answers=[{"modules": [module]}]).out)


@pytest.mark.parametrize("form", ["toml", "json", "list"])
def test_schedules_are_registered_from_a_file(
    ask: Call,
    gateway: ScriptedGateway,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    form: str,
) -> None:
    """A file in the repository of a service, or what another program writes."""
    entry = {
        "schedule_id": "nightly",
        "workflow_type": "harvest",
        "cron": "0 3 * * *",
        "payload": {"supplier_code": "camping-trade", "full": True},
    }
    (tmp_path / "schedules.toml").write_text(FILE)
    given = [entry] if form == "list" else {"schedules": [entry], "tenant_id": "acme"}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(given)))
    source = "schedules.toml" if form == "toml" else "-"
    reply: Answer = {"registered_count": 1, "created": 1, "updated": 0, "unchanged": 0}
    called = ask("schedules", "register", source, "--tenant", "acme", answers=[reply])
    assert "1 registered: 1 new, 0 changed, 0 as before\n" == called.out
    assert [{"schedules": [entry], "tenant_id": "acme"}] == gateway.payloads


def test_registering_may_take_longer_than_other_calls(
    ask: Call, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    """The gateway judges and writes a hundred schedules in one call."""
    (tmp_path / "schedules.toml").write_text(FILE)
    ask("schedules", "register", "schedules.toml", answers=[{"registered_count": 1}])
    assert 30 < gateway.asked[0].seconds


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("x = ", "schedules.toml is no TOML"),
        ("", "schedules.toml holds no schedules"),
        ("schedules = 5", "holds no schedules"),
        ("schedules = [5]", "holds no schedules"),
        ("schedules = []\ncron = 5", "holds cron beside its schedules"),
    ],
    ids=["syntax", "empty", "number", "numbers", "more"],
)
def test_a_file_without_schedules_is_refused(
    ask: Call, gateway: ScriptedGateway, tmp_path: Path, content: str, says: str
) -> None:
    """Nothing is sent; the sentence shows how a schedule is written."""
    (tmp_path / "schedules.toml").write_text(content)
    called = ask("schedules", "register", "schedules.toml", answers=[])
    assert 2 == called.code
    assert says in called.err
    assert [] == gateway.asked


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (
            refusal(
                Code.INVALID_ARGUMENT,
                "INVALID_REQUEST",
                violations={"payload.a": "is required", "payload.b": "is no number"},
            ),
            1,
            "what is wrong with it:\n  payload.a: is required\n  payload.b: is no number\n",
        ),
        (
            refusal(Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", "slow down", retry_after_s=2000),
            1,
            "error: slow down\n  Try again in 2000 s.\n",
        ),
        (
            refusal(Code.UNAUTHENTICATED, "UNAUTHENTICATED", "there is no token"),
            1,
            "error: there is no token\n  The token to send is read from WORKER_TOKEN.\n",
        ),
        (refusal(Code.NOT_FOUND, "RUN_NOT_FOUND", "no such run"), 1, "error: no such run\n"),
        (Refusal(Code.UNIMPLEMENTED), 1, "is no gateway, or one that is older than this command"),
    ],
    ids=["violations", "retry", "token", "not-found", "unimplemented"],
)
def test_a_refusal_is_told_in_lines(ask: Call, answer: Answer, code: int, says: str) -> None:
    """What the gateway wrote is what the person reads, with what to do."""
    called = ask("status", "w", answers=[answer])
    assert code == called.code
    assert says in called.err
    assert not called.out


def test_a_payload_that_cannot_travel_is_refused_before_it_is_sent(
    ask: Call, gateway: ScriptedGateway
) -> None:
    """An integer beyond the wire's doubles is named, and nothing is sent."""
    called = ask("start", "harvest", f"n:={2**60}", answers=[])
    assert 2 == called.code
    assert "error: The payload cannot be sent:\n  payload.n: is an integer" in called.err
    assert [] == gateway.asked


def test_a_token_is_sent_to_this_machine_and_to_no_other_in_the_clear(
    ask: Call, call: Call, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way out names the variables and the option, and never the token."""
    monkeypatch.setenv("WORKER_TOKEN", "s3cret")
    assert 0 == ask("modules", "--json", answers=[{"modules": []}]).code
    assert "Bearer s3cret" == gateway.asked[0].metadata["authorization"]
    called = call("modules", "--address", "gateway.example:443")
    assert 2 == called.code
    assert "WORKER_TLS=true, or WORKER_TLS_CA_FILE" in called.err
    assert "--insecure" in called.err
    assert "s3cret" not in called.err


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("WORKER_TLS", "perhaps", "WORKER_TLS: Input should be a valid boolean"),
        ("WORKER_TLS_CA_FILE", "/nowhere.pem", "the TLS file /nowhere.pem cannot be read"),
        ("WORKER_TOKEN", "two words", "the token is empty, or holds a space"),
    ],
)
def test_a_setting_of_the_client_that_cannot_be_is_a_sentence(
    call: Call, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    """A slip in the environment is no traceback."""
    monkeypatch.setenv(name, value)
    called = call("modules", "--address", "127.0.0.1:1")
    assert called.code in (1, 2)
    assert says in called.err


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_what_is_no_moment_is_refused(call: Call, option: str) -> None:
    """The sentence shows how a moment is written."""
    called = call("tasks", option, "yesterday")
    assert 2 == called.code
    assert f"{option} 'yesterday' is no time: write 30m, 2h or 3d" in called.err


def test_watching_an_older_gateway_asks_again_and_again(ask: Call) -> None:
    """One that offers no WatchTask is followed by its status."""
    older = refusal(Code.UNIMPLEMENTED, "NOT_OFFERED")
    called = ask("watch", "w", answers=[older, {"status": "running"}, {"status": "failed"}])
    assert 1 == called.code
    assert "w: running\nw: failed\n" == called.err


async def test_following_outlives_an_outage(gateway: ScriptedGateway) -> None:
    """An outage is said once when it begins and once when it ends."""
    away = Refusal(Code.UNAVAILABLE, "away")
    gateway.answers = [[{"status": "running"}, away], [away], [away], [COMPLETED]]
    view = Notes()
    async with AsyncWorkerClient(gateway.address) as client:
        last = await follow(client, "w", view)
    assert "completed" == last.status
    assert ["running", "completed"] == view.shown
    assert ["The gateway does not answer", "The gateway answers again."] == [
        note[:27].strip() for note in view.notes
    ]


async def test_a_workflow_that_stands_still_is_reported(gateway: ScriptedGateway) -> None:
    """A run whose worker cannot take a step does not hold a demo up for ever."""
    gateway.answers = [[{"status": "running"}, Hang()]]
    async with AsyncWorkerClient(gateway.address) as client:
        with pytest.raises(StalledError, match="The workflow w stands still"):
            await follow(client, "w", Notes(), stalled_after_s=0.3)


def test_nobody_at_the_address_is_said_with_a_way_out(call: Call) -> None:
    """No server: the sentence says how to start one."""
    called = call("watch", "w", "--address", "127.0.0.1:1")
    assert 1 == called.code
    assert "No gateway answers at 127.0.0.1:1." in called.err
    assert "contextworker up" in called.err
