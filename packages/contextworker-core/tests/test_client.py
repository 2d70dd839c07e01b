"""Calls of the client: what is sent, what comes back, and what they are when nothing is wrong."""

import asyncio
import pickle
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import grpc
import pytest
from both_clients import Loop, MakeClient
from pydantic import BaseModel
from scripted_gateway import Hang, Refusal, ScriptedGateway, refusal

from contextcore import ContextUnit, SecurityScopes
from contextworker.core import client as exported
from contextworker.core.client import (
    AsyncWorkerClient,
    ClosedError,
    DeadlineExceededError,
    InvalidRequestError,
    Schedule,
    TaskFailedError,
    TaskStatus,
    WorkerClient,
)
from contextworker.core.errors import ConfigurationError

STARTED = {"workflow_id": "w", "run_id": "r", "status": "started", "more": 1}


class Harvest(BaseModel):
    """A module's own model of its payload."""

    supplier_code: str
    timeout: int


def test_a_start_is_one_unit_and_a_task(client: Any, scripted: ScriptedGateway) -> None:
    """Fields are the payload; who called stands in the provenance; the reply is typed."""
    scripted.answers = [STARTED]
    task = client.start("harvest", supplier_code="camping-trade", full=True)
    (asked,) = scripted.asked
    assert "StartWorkflow" == asked.rpc
    expected = {"workflow_type": "harvest", "supplier_code": "camping-trade", "full": True}
    assert expected == asked.unit.payload
    assert ["client:start_workflow"] == asked.unit.provenance
    assert ("w", "r", False) == (task.workflow_id, task.run_id, task.started.joined)
    assert STARTED == task.started.dump()
    assert asked.unit.unit_id == task.unit.unit_id


@pytest.mark.parametrize(
    "payload",
    [{"supplier_code": "x", "timeout": 5}, Harvest(supplier_code="x", timeout=5)],
    ids=["mapping", "model"],
)
def test_fields_may_come_as_one(
    client: Any, scripted: ScriptedGateway, payload: dict[str, Any] | Harvest
) -> None:
    """A field that is named like an option of `start` travels in a mapping or a model."""
    scripted.answers = [STARTED]
    client.start("harvest", payload, tenant_id="acme")
    expected = {"workflow_type": "harvest", "supplier_code": "x", "timeout": 5, "tenant_id": "acme"}
    assert [expected] == scripted.payloads


def test_a_unit_is_sent_as_it_is(client: Any, scripted: ScriptedGateway) -> None:
    """A service's own unit carries its idempotency key."""
    unit = ContextUnit(payload={"workflow_type": "harvest"}, provenance=["commerce:trigger"])
    scripted.answers = [STARTED, STARTED]
    client.start(unit)
    client.start(unit)
    assert [unit, unit] == [asked.unit for asked in scripted.asked]


def test_a_unit_with_fields_beside_it_is_a_slip(client: Any) -> None:
    """A unit is complete: what is given besides would be lost."""
    with pytest.raises(TypeError, match="give it alone"):
        client.start(ContextUnit(), supplier_code="x")


def test_two_workflow_types_are_a_slip(client: Any, scripted: ScriptedGateway) -> None:
    """Neither is silently dropped; a model's empty one is none."""
    scripted.answers = [STARTED]
    with pytest.raises(TypeError, match="two workflow types: 'harvest' and 'gardener'"):
        client.start("harvest", {"workflow_type": "gardener"})
    client.start("harvest", {"workflow_type": ""})
    assert [{"workflow_type": "harvest"}] == scripted.payloads


def test_a_parent_hands_on_trace_scopes_and_provenance(
    client: Any, scripted: ScriptedGateway
) -> None:
    """What follows from a unit can be traced to it."""
    parent = ContextUnit(provenance=["shop:order"], security=SecurityScopes(read=["orders"]))
    scripted.answers = [STARTED, STARTED]
    client.start("harvest", parent=parent)
    client.start("harvest", parent=parent, provenance="commerce:orders:refill")
    first, second = (asked.unit for asked in scripted.asked)
    assert (parent.unit_id, parent.trace_id) == (first.parent_unit_id, first.trace_id)
    assert parent.security == first.security
    assert ["shop:order", "client:start_workflow"] == first.provenance
    assert ["shop:order", "commerce:orders:refill"] == second.provenance
    assert first.unit_id != second.unit_id


def test_a_payload_that_cannot_travel_is_refused_before_it_is_sent(
    client: Any, scripted: ScriptedGateway
) -> None:
    """An integer beyond the wire's doubles is named, and nothing is sent."""
    with pytest.raises(InvalidRequestError, match=r"payload\.n") as caught:
        client.start("harvest", n=2**60)
    assert "payload.n" == caught.value.violations[0].field
    assert [] == scripted.asked


def test_a_status_is_typed_and_keeps_what_it_does_not_know(
    client: Any, scripted: ScriptedGateway
) -> None:
    """Times are times; what a newer gateway says besides is kept."""
    payload = {
        "status": "running",
        "started_at": "2026-11-22T11:15:16.399Z",
        "progress": {"stage": "fetch", "done": 3, "total": 5, "unit": "rows", "new": 1},
        "mood": "good",
    }
    scripted.answers = [payload]
    status = client.status("w")
    assert ("w", False) == (status.workflow_id, status.closed)
    assert datetime(2026, 11, 22, 11, 15, 16, 399000, tzinfo=UTC) == status.started_at
    assert ("fetch", 3, 5) == (status.progress.stage, status.progress.done, status.progress.total)
    assert {**payload, "workflow_id": "w"} == status.dump()


def test_a_task_asks_about_its_own_run(client: Any, scripted: ScriptedGateway) -> None:
    """A later run under the same workflow id is none of its business."""
    scripted.answers = [STARTED, {"status": "running"}, {"workflow_id": "w", "status": "cancelled"}]
    task = client.start("harvest")
    task.status()
    task.cancel(reason="changed my mind")
    run = {"workflow_id": "w", "run_id": "r"}
    assert [run, {**run, "reason": "changed my mind"}] == scripted.payloads[1:]


def test_tasks_come_page_by_page(client: Any, scripted: ScriptedGateway) -> None:
    """The caller sees tasks, not pages; filters go with every page."""
    first, second = (
        [{"workflow_id": name, "status": "running"} for name in page] for page in ("ab", "c")
    )
    scripted.answers = [{"tasks": first, "next_page_token": "more"}, {"tasks": second}]
    since = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=2)))
    found = [task.workflow_id for task in client.tasks(status="running", started_after=since)]
    assert ["a", "b", "c"] == found
    filters = {"status": "running", "started_after": "2026-11-22T10:00:00Z"}
    assert [filters, {**filters, "page_token": "more"}] == scripted.payloads


def test_a_time_without_a_zone_is_refused(client: Any) -> None:
    """It could be any of 24 moments."""
    with pytest.raises(ValueError, match="has no time zone"):
        list(client.tasks(started_after=datetime(2026, 1, 1)))  # noqa: DTZ001 - that is the point


def test_modules_tell_what_they_accept(client: Any, scripted: ScriptedGateway) -> None:
    """A route's schema is part of it."""
    route = {"workflow_type": "harvest", "schema": {"type": "object"}}
    scripted.answers = [{"modules": [{"name": "harvest", "workers": 2, "routes": [route]}]}]
    (module,) = client.modules()
    assert ("harvest", 2) == (module.name, module.workers)
    assert {"type": "object"} == module.routes[0].payload_schema


def test_schedules_travel_as_the_wire_has_them(client: Any, scripted: ScriptedGateway) -> None:
    """Each call of `schedules` is one RPC with what was given, and nothing else."""
    day = datetime(2026, 11, 1, tzinfo=UTC)
    nightly = Schedule(
        schedule_id="nightly", workflow_type="harvest", cron="0 3 * * *", catchup_window_s=600
    )
    scripted.answers = [
        {"registered_count": 2, "created": 2},
        {"schedules": [{"schedule_id": "nightly", "next_runs": ["2026-11-02T03:00:00Z"]}]},
        {"schedule_id": "nightly", "paused": True},
        {"schedule_id": "nightly", "paused": False},
        {"schedule_id": "nightly", "workflow_id": "w"},
        {"schedule_id": "nightly", "runs": 2},
        {"schedule_id": "nightly"},
    ]
    schedules = client.schedules
    registered = schedules.register([nightly, {"schedule_id": "hourly"}], tenant_id="acme")
    assert (2, 2, 0) == (registered.registered_count, registered.created, registered.updated)
    assert [day.replace(day=2, hour=3)] == next(list(s.next_runs) for s in schedules.list())
    assert True is schedules.pause("nightly", note="sale").paused
    assert False is schedules.resume("nightly").paused
    assert "w" == schedules.trigger("nightly", overlap="allow_all").workflow_id
    assert 2 == schedules.backfill("nightly", day, day + timedelta(days=2)).runs
    assert "nightly" == schedules.delete("nightly").schedule_id
    entry = {
        "schedule_id": "nightly",
        "workflow_type": "harvest",
        "cron": "0 3 * * *",
        "catchup_window_s": 600,
    }
    one = {"schedule_id": "nightly"}
    span = {"start_at": "2026-11-01T00:00:00Z", "end_at": "2026-11-03T00:00:00Z"}
    assert [
        (
            "RegisterSchedules",
            {
                "schedules": [{**entry, "payload": {}}, {"schedule_id": "hourly"}],
                "tenant_id": "acme",
            },
        ),
        ("ListSchedules", {}),
        ("PauseSchedule", {**one, "note": "sale"}),
        ("ResumeSchedule", one),
        ("TriggerSchedule", {**one, "overlap": "allow_all"}),
        ("BackfillSchedule", {**one, **span}),
        ("DeleteSchedule", one),
    ] == [(asked.rpc, asked.unit.payload) for asked in scripted.asked]


def test_a_schedule_tells_what_became_of_its_times(client: Any, scripted: ScriptedGateway) -> None:
    """How many runs started, and how many did not, and why, are numbers with names."""
    counts = {"started": 4, "missed": 3, "skipped": 2, "dropped": 1}
    scripted.answers = [
        {"schedules": [{"schedule_id": "a", "catchup_window_s": 600, "counts": counts}]}
    ]
    (found,) = client.schedules.list()
    assert 600 == found.catchup_window_s
    assert counts == found.counts.model_dump()


def test_a_large_set_of_schedules_is_given_all_the_time_of_its_call(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """Made again before it is done, it would only begin anew."""
    scripted.answers = [{"registered_count": 0}, {"registered_count": 0}]
    client = make_client(scripted.address, timeout=60, attempt_timeout=1)
    client.schedules.register([])
    client.schedules.register([], timeout=300)
    seconds = [asked.seconds for asked in scripted.asked]
    assert [True, True] == [20 < seconds[0] < 61, 200 < seconds[1]]


def test_schedules_come_page_by_page(client: Any, scripted: ScriptedGateway) -> None:
    """As tasks do."""
    scripted.answers = [
        {"schedules": [{"schedule_id": "a"}], "next_page_token": "more"},
        {"schedules": [{"schedule_id": "b"}]},
    ]
    found = [schedule.schedule_id for schedule in client.schedules.list(page_size=1)]
    assert ["a", "b"] == found
    assert [{"page_size": 1}, {"page_size": 1, "page_token": "more"}] == scripted.payloads


def test_a_token_is_asked_for_before_each_attempt(
    make_client: MakeClient, scripted: ScriptedGateway
) -> None:
    """One that expires meanwhile is replaced."""
    tokens = iter(["first", "second"])
    scripted.answers = [Refusal(grpc.StatusCode.UNAVAILABLE), {"modules": []}]
    client = make_client(scripted.address, token=lambda: next(tokens))
    client.modules()
    sent = [asked.metadata["authorization"] for asked in scripted.asked]
    assert ["Bearer first", "Bearer second"] == sent


async def test_an_async_client_awaits_its_token(scripted: ScriptedGateway) -> None:
    """Fetching one may take a call of its own."""

    async def fetch() -> str:
        return "fetched"

    scripted.answers = [{"modules": []}]
    async with AsyncWorkerClient(scripted.address, token=fetch) as client:
        await client.modules()
    assert "Bearer fetched" == scripted.asked[0].metadata["authorization"]


@pytest.mark.parametrize("token", ["", "two words", "line\n", "ключ"])
def test_what_cannot_be_a_token_is_refused(make_client: MakeClient, token: str) -> None:
    """A token is checked where it is given, and never shown."""
    with pytest.raises(ConfigurationError, match="the token is empty, or holds") as caught:
        make_client(token=token)
    assert not token or token not in str(caught.value)


def test_every_call_has_a_deadline(client: Any, scripted: ScriptedGateway) -> None:
    """No call can hang for ever, whatever it is asked."""
    scripted.answers = [{"modules": []}, STARTED]
    client.modules()
    client.start("harvest", timeout=20)
    seconds = [asked.seconds for asked in scripted.asked]
    assert [True, True] == [seconds[0] < 31, seconds[1] < 21]


def test_one_client_serves_many_threads(scripted: ScriptedGateway) -> None:
    """Each thread gets the replies to its own calls, also when the first calls race."""
    scripted.answers = [STARTED] * 160
    found: dict[int, list[str]] = {}
    with WorkerClient(scripted.address) as client:

        def work(number: int) -> None:
            found[number] = [client.start("t", n=number).unit.unit_id for _ in range(20)]

        threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sent: dict[int, list[str]] = {}
    for asked in scripted.asked:
        sent.setdefault(asked.unit.payload["n"], []).append(asked.unit.unit_id)
    assert sent == found


def test_a_closed_client_says_so(make_client: MakeClient, scripted: ScriptedGateway) -> None:
    """A call after the end is told from an outage, also where there was no call before."""
    client, unused = make_client(scripted.address), make_client(scripted.address)
    scripted.answers = [{"modules": []}]
    client.modules()
    for each in (client, unused):
        each.close()
        each.close()
        with pytest.raises(ClosedError, match="is closed"):
            each.modules()


def test_closing_ends_calls_that_wait(make_client: MakeClient, scripted: ScriptedGateway) -> None:
    """Whoever waits in another thread is let go."""
    client = make_client(scripted.address)
    scripted.answers = [Hang()]
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            client.modules()
        except BaseException as error:  # noqa: BLE001 - whatever it is, is looked at
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not scripted.asked:
        assert waiting.is_alive()
    client.close()
    waiting.join(20)
    assert [ClosedError] == [type(error) for error in ended]


def test_the_sync_client_starts_no_event_loop_and_needs_no_temporal(
    scripted: ScriptedGateway,
) -> None:
    """A service without asyncio, and without Temporal's SDK, can use it."""
    scripted.answers = [STARTED]
    code = (
        "import asyncio, sys\n"
        "def refuse(*_, **__): raise AssertionError('an event loop')\n"
        "asyncio.new_event_loop = asyncio.run = refuse\n"
        "from contextworker.core.client import WorkerClient\n"
        f"with WorkerClient({scripted.address!r}) as client: client.start('harvest')\n"
        "heavy = {'temporalio', 'obstore', 'contextworker.core.worker'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert [{"workflow_type": "harvest"}] == scripted.payloads


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
def test_a_used_client_says_that_it_does_not_survive_a_fork(scripted: ScriptedGateway) -> None:
    """GRPC would hang instead; a client that was not used yet works in the child."""
    scripted.answers = [STARTED, STARTED]
    code = (
        "import os\n"
        "from contextworker.core.client import ClosedError, WorkerClient\n"
        f"used, fresh = (WorkerClient({scripted.address!r}) for _ in range(2))\n"
        "before = os.fork()\n"
        "if not before:\n"
        "    fresh.start('child')\n"
        "    os._exit(0)\n"
        "assert os.waitpid(before, 0)[1] == 0\n"
        "used.start('parent')\n"
        "after = os.fork()\n"
        "if not after:\n"
        "    try: used.start('harvest')\n"
        "    except ClosedError as error: os._exit(7 if 'forked' in str(error) else 1)\n"
        "    os._exit(2)\n"
        "assert os.waitpid(after, 0)[1] == 7 << 8\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


def test_an_async_client_belongs_to_one_loop(client_loop: Loop, scripted: ScriptedGateway) -> None:
    """Used in another, it says so, where gRPC would speak of futures."""
    scripted.answers = [{"modules": []}]
    client = AsyncWorkerClient(scripted.address)
    client_loop.run(client.modules())
    with pytest.raises(ClosedError, match="another event loop"):
        asyncio.run(client.modules())
    client_loop.run(client.close())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"timeout": 0}, "timeout 0"),
        ({"attempt_timeout": float("inf")}, "attempt_timeout inf"),
        ({"attempts": 0}, "attempts 0"),
        ({"service": "my shop"}, "service 'my shop'"),
    ],
    ids=["timeout", "attempt_timeout", "attempts", "service"],
)
def test_options_that_cannot_be_are_refused(
    make_client: MakeClient, options: dict[str, Any], says: str
) -> None:
    """A slip shows where the client is made."""
    with pytest.raises(ConfigurationError, match=says):
        make_client(**options)


@pytest.mark.parametrize(
    "error",
    [
        DeadlineExceededError("late", code=grpc.StatusCode.DEADLINE_EXCEEDED, reason="R"),
        TaskFailedError("failed", status=TaskStatus(workflow_id="w", status="failed")),
    ],
    ids=["call", "task"],
)
def test_errors_survive_pickling(error: Exception) -> None:
    """They cross the process borders of job queues and test runners."""
    copy = pickle.loads(pickle.dumps(error))
    assert (type(error), str(error), vars(error)) == (type(copy), str(copy), vars(copy))


def test_the_package_exports_what_it_says() -> None:
    """Every name is there, in order, and nothing is forgotten."""
    assert sorted(exported.__all__, key=lambda name: (not name.isupper(), name)) == exported.__all__
    assert all(hasattr(exported, name) for name in exported.__all__)


def test_a_refusal_reads_as_the_gateway_wrote_it(client: Any, scripted: ScriptedGateway) -> None:
    """Everything a program needs is on the error."""
    scripted.answers = [
        refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_REQUEST",
            "payload.a is required",
            violations={"payload.a": "is required"},
            hint="x",
        )
    ]
    with pytest.raises(InvalidRequestError, match=r"^payload\.a is required$") as caught:
        client.start("harvest")
    error = caught.value
    assert (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST") == (error.code, error.reason)
    assert {"hint": "x"} == error.metadata
    assert [("payload.a", "is required")] == [(v.field, v.description) for v in error.violations]
