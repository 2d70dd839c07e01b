"""The runs of schedules: fired by hand, of a past time, and what they are made of."""

import operator
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from gateway_calls import Caller, until
from gateway_deployments import deploy, deploy_version, set_current, until_announced
from gateway_released import released
from gateway_schedules import Tenant, definition
from temporalio.client import Client, WorkflowExecutionStatus

from contextcore import ContextUnit
from contextworker.core.announcement import AnnouncedRoute, Announcement
from contextworker.core.settings import Promotion, WorkerSettings
from contextworker.core.testing import running
from contextworker.gateway.schedules import firing

WAITING = {"supplier_code": "wait"}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have TriggerSchedule wait for its run as long as a busy machine may take to start one."""
    monkeypatch.setattr(firing, "_WAIT_S", 15)


@pytest.fixture
def tenant(caller: Caller, toys: None) -> Tenant:
    """A tenant without schedules."""
    return Tenant(caller)


async def schedule_of(tenant: Tenant, *, started: int, **counts: int) -> dict[str, Any]:
    """Return the only schedule once it knows of so many runs: they begin before it does."""
    wanted = {"started": started, **counts}
    listed: dict[str, Any] = await until(
        tenant.schedule, lambda one: all(one["counts"][it] >= wanted[it] for it in wanted)
    )
    return listed


async def runs_of(client: Client, tenant: Tenant, name: str = "nightly") -> list[str]:
    """Return the ids of a schedule's runs, as Temporal's index has them."""
    query = f"TemporalScheduledById = '{tenant.id}-{name}'"
    return sorted([run.id async for run in client.list_workflows(query)])


async def finish(client: Client, workflow_id: str) -> None:
    """End a waiting run."""
    handle = client.get_workflow_handle(workflow_id)
    await handle.signal("finish")
    await handle.result()


def ago(**span: float) -> str:
    """Write a time that has passed."""
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


async def test_a_triggered_schedule_runs_now(tenant: Tenant, temporal_client: Client) -> None:
    """The reply names the run, and the run's id begins with its type and tenant."""
    await tenant.register(definition(payload=WAITING))

    reply = await tenant.ask("TriggerSchedule", schedule_id="nightly")

    listed = (await schedule_of(tenant, started=1))["recent_runs"]
    assert {"schedule_id", "tenant_id", "workflow_id", "run_id"} == set(reply)
    assert reply["workflow_id"].startswith(f"toy-{tenant.id}-nightly-20")
    [run] = listed
    assert (reply["workflow_id"], reply["run_id"]) == (run["workflow_id"], run["run_id"])
    await tenant.caller.status_when(reply["workflow_id"], lambda it: it["status"] == "running")
    await finish(temporal_client, reply["workflow_id"])


async def test_a_scheduled_run_is_what_a_started_one_is(
    tenant: Tenant, temporal_client: Client
) -> None:
    """Same queue, tenant, fairness, summary, scopes and payload; only its id tells of the time."""
    unit = ContextUnit(
        payload={
            "tenant_id": tenant.id,
            "schedules": [definition()],
        },
        provenance=["commerce:deploy"],
        security={"read": ["feeds:read"], "write": ["feeds:write"]},
    )
    start = unit.model_copy(
        update={
            "unit_id": str(uuid.uuid4()),
            "payload": {"tenant_id": tenant.id, "workflow_type": "toy", "supplier_code": "done"},
        }
    )
    await tenant.caller.ask("RegisterSchedules", unit)

    fired = await tenant.ask("TriggerSchedule", schedule_id="nightly")
    started = await tenant.caller.ask("StartWorkflow", start)

    ours, theirs = [
        (await temporal_client.get_workflow_handle(run["workflow_id"]).fetch_history())
        .events[0]
        for run in (fired, started)
    ]  # fmt: skip
    one = ours.workflow_execution_started_event_attributes
    other = theirs.workflow_execution_started_event_attributes
    assert other.workflow_type == one.workflow_type
    assert other.task_queue == one.task_queue
    assert other.priority == one.priority
    assert ours.user_metadata.summary == theirs.user_metadata.summary
    assert set(other.memo.fields) | {"contextworker.schedule"} == set(one.memo.fields)
    marks = one.search_attributes.indexed_fields
    assert other.search_attributes.indexed_fields["TenantId"] == marks["TenantId"]
    converter = temporal_client.data_converter
    [kept], [sent] = [await converter.decode(it.input.payloads) for it in (one, other)]
    assert sent.payload == kept.payload
    assert sent.security == kept.security


async def test_each_run_has_a_unit_of_its_own(tenant: Tenant, temporal_client: Client) -> None:
    """It follows the unit that was registered, which follows the request; its trace is new."""
    request = ContextUnit(
        payload={"tenant_id": tenant.id, "schedules": [definition()]},
        provenance=["commerce:deploy"],
    )
    await tenant.caller.send("RegisterSchedules", request)

    fired = await tenant.ask("TriggerSchedule", schedule_id="nightly")

    handle = temporal_client.get_workflow_handle(fired["workflow_id"], result_type=ContextUnit)
    answer = await handle.result()
    started = (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes
    [kept] = await temporal_client.data_converter.decode(started.input.payloads)
    assert (request.unit_id, request.trace_id) == (kept.parent_unit_id, kept.trace_id)
    assert ["commerce:deploy", "gateway:register_schedules"] == kept.provenance
    assert [*kept.provenance, "gateway:schedule", "worker:toy"] == answer.provenance
    assert kept.trace_id != answer.trace_id
    assert answer.parent_unit_id not in (None, kept.unit_id, request.unit_id)


async def test_a_retried_trigger_fires_once(tenant: Tenant, temporal_client: Client) -> None:
    """The same unit is the same run, while that is open and after."""
    await tenant.register(definition(overlap="allow_all"))
    unit = ContextUnit(payload={"tenant_id": tenant.id, "schedule_id": "nightly"})

    first = await tenant.caller.ask("TriggerSchedule", unit)
    again = await tenant.caller.ask("TriggerSchedule", unit)
    await temporal_client.get_workflow_handle(first["workflow_id"]).result()
    closed = await tenant.caller.ask("TriggerSchedule", unit)

    assert first == again
    assert first == closed
    assert [first["workflow_id"]] == await until(lambda: runs_of(temporal_client, tenant), bool)
    assert 1 == (await schedule_of(tenant, started=1))["counts"]["started"]


async def test_two_triggers_of_one_second_are_one_run(
    tenant: Tenant, temporal_client: Client
) -> None:
    """Also when the first has ended: Temporal would take its id again."""
    await tenant.register(definition(overlap="allow_all"))
    now = datetime.now(UTC)

    def trigger() -> ContextUnit:
        payload = {"tenant_id": tenant.id, "schedule_id": "nightly"}
        return ContextUnit(payload=payload, created_at=now)

    first = await tenant.caller.ask("TriggerSchedule", trigger())
    await temporal_client.get_workflow_handle(first["workflow_id"]).result()
    second = await tenant.caller.ask("TriggerSchedule", trigger())

    assert first == second
    assert 1 == (await schedule_of(tenant, started=1))["counts"]["started"]


async def test_a_trigger_that_starts_nothing_says_why(
    tenant: Tenant, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier run is open, and the schedule's overlap rules; the caller may overrule it."""
    await tenant.register(definition(payload=WAITING))
    first = await tenant.ask("TriggerSchedule", schedule_id="nightly")
    await schedule_of(tenant, started=1)

    def later(**more: Any) -> ContextUnit:
        payload = {"tenant_id": tenant.id, "schedule_id": "nightly", **more}
        seconds = 1 + len(more)
        return ContextUnit(
            payload=payload, created_at=datetime.now(UTC) + timedelta(seconds=seconds)
        )

    with monkeypatch.context() as patch:
        patch.setattr(firing, "_WAIT_S", 1)  # nothing comes
        skipped = await tenant.caller.ask("TriggerSchedule", later())
    beside = await tenant.caller.ask("TriggerSchedule", later(overlap="allow_all"))

    assert (
        f"nothing was started: an earlier run is open, {first['workflow_id']!r}, and overlap is "
        "skip"
    ) == skipped["reason"]
    assert "workflow_id" not in skipped
    assert first["workflow_id"] != beside["workflow_id"]
    await until(tenant.schedule, lambda one: len(one["running"]) == 2)
    listed = await schedule_of(tenant, started=2, skipped=1)
    assert 1 == listed["counts"]["skipped"]
    assert {first["workflow_id"], beside["workflow_id"]} == {
        run["workflow_id"] for run in listed["running"]
    }
    for reply in (first, beside):
        await finish(temporal_client, reply["workflow_id"])
    assert await until(tenant.schedule, lambda one: one["running"] == [])


async def test_a_paused_schedule_can_be_fired_by_hand(tenant: Tenant) -> None:
    """A pause is for its cron."""
    await tenant.register(definition(paused=True))

    assert "workflow_id" in await tenant.ask("TriggerSchedule", schedule_id="nightly")


async def test_a_clock_that_is_far_off_does_not_date_a_run(tenant: Tenant) -> None:
    """The unit's time names the run, within reason."""
    await tenant.register(definition())
    unit = ContextUnit(
        payload={"tenant_id": tenant.id, "schedule_id": "nightly"},
        created_at=datetime(1, 1, 1, tzinfo=UTC),
    )

    before = datetime.now(UTC).year
    reply = await tenant.caller.ask("TriggerSchedule", unit)

    years = before, datetime.now(UTC).year
    assert reply["workflow_id"].startswith(tuple(f"toy-{tenant.id}-nightly-{it}" for it in years))


@pytest.mark.parametrize("overlap", [None, "allow_all"])
async def test_a_backfill_starts_every_run_of_its_span_once(
    tenant: Tenant, temporal_client: Client, overlap: str | None
) -> None:
    """Both ends included; sent again, while they run or after, it starts nothing more."""
    await tenant.register(definition(cron="*/10 * * * *", paused=True))
    span = {
        "schedule_id": "nightly",
        "start_at": "2026-03-01T00:00:00+02:00",
        "end_at": "2026-03-01T01:00:00+02:00",
        **({"overlap": overlap} if overlap else {}),
    }
    unit = ContextUnit(payload={"tenant_id": tenant.id, **span})

    replies = [await tenant.caller.ask("BackfillSchedule", unit) for _ in range(2)]
    closed = f"TemporalScheduledById = '{tenant.id}-nightly' AND ExecutionStatus = 'Completed'"
    await until(lambda: temporal_client.count_workflows(closed), lambda found: found.count >= 7)
    replies.append(await tenant.caller.ask("BackfillSchedule", unit))
    # What this one starts shows that the one before has been dealt with.
    last = await tenant.ask("TriggerSchedule", schedule_id="nightly", overlap="allow_all")

    assert [{"schedule_id": "nightly", "tenant_id": tenant.id, "runs": 7}] * 3 == replies
    times = ("22:00", "22:10", "22:20", "22:30", "22:40", "22:50", "23:00")
    expected = [f"toy-{tenant.id}-nightly-2026-02-28T{time}:00Z" for time in times]
    assert [*expected, last["workflow_id"]] == await until(
        lambda: runs_of(temporal_client, tenant), lambda runs: len(runs) >= 8
    )
    assert 8 == (await schedule_of(tenant, started=8))["counts"]["started"]


@pytest.mark.parametrize(
    ("start_at", "end_at", "due"),
    [
        ("2025-03-29T00:00:00Z", "2025-03-31T12:00:00Z", ["29T01:30", "31T00:30"]),
        ("2025-10-25T00:00:00Z", "2025-10-27T12:00:00Z", ["25T00:30", "26T01:30", "27T01:30"]),
    ],
    ids=["a time that is skipped", "a time that comes twice"],
)
async def test_when_clocks_change_a_day_has_one_run_or_none(
    tenant: Tenant, temporal_client: Client, start_at: str, end_at: str, due: list[str]
) -> None:
    """Half past two is no time when clocks go forward; when they go back, it is the second one."""
    await tenant.register(definition(cron="30 2 * * *", timezone="Europe/Berlin", paused=True))

    reply = await tenant.ask(
        "BackfillSchedule", schedule_id="nightly", start_at=start_at, end_at=end_at
    )

    runs = await until(lambda: runs_of(temporal_client, tenant), lambda runs: len(runs) >= len(due))
    base = f"toy-{tenant.id}-nightly-{start_at[:8]}"
    assert len(due) == reply["runs"]
    assert [f"{base}{time}:00Z" for time in due] == runs


@pytest.mark.parametrize("start_at", ["2026-05-01T00:00:00Z", "0001-01-01T00:00:00Z"])
async def test_a_backfill_of_nothing_starts_nothing(tenant: Tenant, start_at: str) -> None:
    """A span without a time of the cron is no mistake, be it at the very beginning of time."""
    await tenant.register(definition())

    reply = await tenant.ask(
        "BackfillSchedule", schedule_id="nightly", start_at=start_at, end_at=start_at
    )

    assert 0 == reply["runs"]


async def test_a_backfill_that_is_too_much_is_refused_with_the_way_to_do_it(
    tenant: Tenant,
) -> None:
    """The count, and where the first call may end."""
    await tenant.register(definition(cron="* * * * *", paused=True))
    span = {"start_at": "2026-03-01T00:00:00Z", "end_at": "2026-03-04T00:00:00Z"}

    refusal = await tenant.caller.refused(
        "BackfillSchedule", {"tenant_id": tenant.id, "schedule_id": "nightly", **span}
    )

    assert {
        "payload.end_at": (
            "is too late: the span takes in 4,321 runs, and one call starts 2,000; end it at "
            "2026-03-02T09:19:00.000Z, and go on from there"
        )
    } == refusal.violations
    assert 0 == (await tenant.schedule())["counts"]["started"]


async def test_a_schedule_of_a_module_that_is_gone_says_so(
    caller: Caller, temporal_client: Client
) -> None:
    """It was registered while the type was announced; now nothing would do its work."""
    tenant = Tenant(caller)
    routes = (AnnouncedRoute(workflow_type="toy_passing"),)
    announced = Announcement(module="passing", task_queue="passing-tasks", routes=routes)
    await deploy(temporal_client, "passing", "1", announced.to_payload())
    await until_announced(caller, name="passing")
    await tenant.register(definition(workflow_type="toy_passing", payload={}))
    assert "reason" not in await tenant.schedule()

    await set_current(temporal_client, "passing", "")

    listed = await until(tenant.schedule, lambda one: "reason" in one)
    assert (
        "no module announces 'toy_passing' now; runs of this schedule wait on passing-tasks until "
        "a worker there knows it"
    ) == listed["reason"]


async def test_a_schedule_of_a_module_that_moved_says_so_until_it_is_registered_again(
    caller: Caller, temporal_client: Client
) -> None:
    """Its runs would wait on a queue that nobody serves; the same set again sends them on."""
    tenant = Tenant(caller)
    one = definition(workflow_type="toy_moving", payload={})
    routes = (AnnouncedRoute(workflow_type="toy_moving"),)
    old, new = (
        Announcement(module="moving", task_queue=queue, routes=routes).to_payload()
        for queue in ("old-tasks", "new-tasks")
    )
    await deploy(temporal_client, "moving", "1", old)
    await until_announced(caller, name="moving")
    await tenant.register(one)
    await deploy_version(temporal_client, "moving", "2", new)

    listed = await until(tenant.schedule, lambda found: "reason" in found)
    reply = await tenant.register(one)

    assert (
        "'toy_moving' is served on new-tasks now, and runs of this schedule go to old-tasks; "
        "register it again"
    ) == listed["reason"]
    assert 1 == reply["updated"]
    assert "reason" not in await tenant.schedule()
    await set_current(temporal_client, "moving", "")


async def test_a_schedule_runs_on_the_version_that_is_current_when_it_fires(
    caller: Caller, temporal_client: Client
) -> None:
    """Registered once, it goes along with every release of its module."""
    tenant = Tenant(caller)
    builds: list[str] = []
    fired = ""

    async def another_run() -> str:
        reply = await tenant.ask("TriggerSchedule", schedule_id="nightly", overlap="allow_all")
        return str(reply["workflow_id"])

    for build_id in ("1", "2"):
        settings = WorkerSettings(shutdown_grace_s=1, promotion=Promotion.ALWAYS, build_id=build_id)
        async with running(temporal_client, released, settings=settings):
            await until_announced(caller, name="released", build_id=build_id)
            if build_id == "1":
                await tenant.register(definition(workflow_type="released", payload={}))
            # In the same second it would be the same run.
            fired = await until(another_run, partial(operator.ne, fired))
            handle = temporal_client.get_workflow_handle(fired)
            await handle.result()
            info = (await handle.describe()).raw_description.workflow_execution_info
            builds.append(info.versioning_info.deployment_version.build_id)

    assert ["1", "2"] == builds


@pytest.mark.slow
async def test_a_cron_fires_by_itself(tenant: Tenant, temporal_client: Client) -> None:
    """Within the minute, and at the minute."""
    await tenant.register(definition(cron="* * * * *"))

    [run] = (await until(tenant.schedule, lambda one: bool(one["recent_runs"]), timeout_s=90))[
        "recent_runs"
    ]

    assert run["scheduled_at"].endswith(":00.000Z")
    handle = temporal_client.get_workflow_handle(run["workflow_id"])
    await handle.result()
    assert WorkflowExecutionStatus.COMPLETED == (await handle.describe()).status
