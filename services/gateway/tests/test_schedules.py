"""Schedules: registered as a set, listed, paused, resumed and deleted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from gateway_calls import Caller, connected, until
from gateway_deployments import until_announced
from gateway_schedules import Tenant, definition
from temporalio.api.schedule.v1 import SchedulePatch
from temporalio.api.workflowservice.v1 import (
    DescribeScheduleRequest,
    DescribeScheduleResponse,
    PatchScheduleRequest,
)
from temporalio.client import Client

from contextcore import ContextUnit, SecurityScopes
from contextworker.gateway.schedules.reading import FoundSchedule, ScheduleReader
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings


@pytest.fixture
def tenant(caller: Caller, toys: None) -> Tenant:
    """A tenant without schedules."""
    return Tenant(caller)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other_caller(temporal_client: Client, toys: None) -> AsyncIterator[Caller]:
    """Call a second gateway before the same Temporal."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=1,
        gateway_temporal_timeout_s=20,  # Temporal answers late where the machine is busy
    )
    async with gateway(temporal_client, settings) as port, connected(port) as caller:
        await until_announced(caller, name="toys")
        yield caller


async def in_temporal(client: Client, tenant: Tenant, name: str) -> DescribeScheduleResponse:
    """Return what Temporal itself says of a schedule."""
    return await client.workflow_service.describe_schedule(
        DescribeScheduleRequest(namespace=client.namespace, schedule_id=f"{tenant.id}-{name}")
    )


def counts(reply: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return registered, created, updated, unchanged."""
    return (
        reply["registered_count"], reply["created"], reply["updated"], reply["unchanged"]
    )  # fmt: skip


async def test_a_schedule_is_listed_as_it_was_registered(tenant: Tenant) -> None:
    """Its owner reads back what it wrote, and how it stands."""
    reply = await tenant.register(
        definition(cron="30 6 * * MON-FRI", timezone="Europe/Kyiv", overlap="buffer_one",
                   catchup_window_s=600)
    )  # fmt: skip

    listed = await tenant.schedule()
    assert (1, 1, 0, 0) == counts(reply)
    for times in ("created_at", "next_run_at", "next_runs"):
        assert listed.pop(times)
    assert {
        "schedule_id": "nightly",
        "tenant_id": tenant.id,
        "workflow_type": "toy",
        "cron": "30 6 * * MON-FRI",
        "timezone": "Europe/Kyiv",
        "overlap": "buffer_one",
        "catchup_window_s": 600,
        "paused": False,
        "payload": {"workflow_type": "toy", "tenant_id": tenant.id, "supplier_code": "done"},
        "recent_runs": [],
        "running": [],
        "counts": {"started": 0, "missed": 0, "skipped": 0, "dropped": 0},
    } == listed


async def test_the_same_set_again_changes_nothing(tenant: Tenant, temporal_client: Client) -> None:
    """Whoever deploys registers, every time; Temporal is not even written to."""
    names = ["one", "two", "three"]
    schedules = [definition(name, payload={"supplier_code": name, "limit": 5}) for name in names]

    first = await tenant.register(*schedules)
    before = [await in_temporal(temporal_client, tenant, name) for name in names]
    second = await tenant.register(*reversed(schedules))
    after = [await in_temporal(temporal_client, tenant, name) for name in names]

    assert (3, 3, 0, 0) == counts(first)
    assert (3, 0, 0, 3) == counts(second)
    assert [one.conflict_token for one in before] == [one.conflict_token for one in after]
    assert [one.info.update_time for one in before] == [one.info.update_time for one in after]


@pytest.mark.parametrize(
    "change",
    [
        {"cron": "0 5 * * *"},
        {"timezone": "Europe/Kyiv"},
        {"payload": {"supplier_code": "else"}},
        {"overlap": "allow_all"},
        {"catchup_window_s": 60},
        {"workflow_type": "toy_plain"},
    ],
    ids=lambda change: str(next(iter(change))),
)
async def test_a_changed_schedule_is_changed_in_place(
    tenant: Tenant, change: dict[str, Any]
) -> None:
    """What it was and did stays: when it was made, its runs, the rest of the set."""
    await tenant.register(definition(), definition("other"))
    await tenant.ask("TriggerSchedule", schedule_id="nightly")
    # A run begins before its schedule knows of it.
    before, other = await until(
        lambda: tenant.schedules(2), lambda both: both[0]["recent_runs"] != []
    )

    reply = await tenant.register(definition(**change), definition("other"))
    again = await tenant.register(definition(**change), definition("other"))

    after, other_after = await tenant.schedules(2)
    [name] = change
    assert (2, 0, 1, 1) == counts(reply)
    assert (2, 0, 0, 2) == counts(again)
    assert before[name] != after[name]
    assert before["created_at"] == after["created_at"]
    assert before["recent_runs"] == after["recent_runs"] != []
    assert "updated_at" in after
    assert other == other_after


async def test_other_scopes_are_a_change(tenant: Tenant) -> None:
    """They guard the schedule and its runs, so the same set of another unit's scopes is written."""
    payload = {"tenant_id": tenant.id, "schedules": [definition()]}
    units = [
        ContextUnit(payload=payload, security=SecurityScopes(read=list(read)))
        for read in ((), ("feeds:read",), ("feeds:read",))
    ]

    replies = [await tenant.caller.ask("RegisterSchedules", unit) for unit in units]

    assert [(1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1)] == list(map(counts, replies))


async def test_a_note_may_be_as_long_as_temporal_takes(tenant: Tenant) -> None:
    """It is measured in bytes, as Temporal does; a caller's long name is cut to fit."""
    await tenant.register(definition())
    note = "ü" * 500

    paused = await tenant.ask("PauseSchedule", schedule_id="nightly", note=note)

    assert note == paused["note"] == (await tenant.schedule())["note"]


async def test_a_pause_survives_what_is_registered(tenant: Tenant) -> None:
    """An operator's pause is no part of the set: neither the same nor a changed one ends it."""
    await tenant.register(definition(paused=False))
    paused = await tenant.ask("PauseSchedule", schedule_id="nightly", note="feed is broken")

    same = await tenant.register(definition(paused=False))
    changed = await tenant.register(definition(paused=False, cron="0 5 * * *"))

    listed = await tenant.schedule()
    assert {
        "schedule_id": "nightly", "tenant_id": tenant.id, "paused": True, "note": "feed is broken"
    } == paused  # fmt: skip
    assert ((1, 0, 0, 1), (1, 0, 1, 0)) == (counts(same), counts(changed))
    assert (True, "feed is broken", "0 5 * * *") == (
        listed["paused"], listed["note"], listed["cron"]
    )  # fmt: skip
    assert ([], None) == (listed["next_runs"], listed.get("next_run_at"))


async def test_a_set_that_says_otherwise_pauses_and_resumes(tenant: Tenant) -> None:
    """Where `paused` is given differently than before, it is meant."""
    sets = [
        definition(paused=True), definition(paused=False), definition(), definition(paused=True)
    ]  # fmt: skip

    states = []
    for one in sets:
        await tenant.register(one)
        states.append((await tenant.schedule())["paused"])

    assert [True, False, False, True] == states


async def test_a_resumed_schedule_runs_on(tenant: Tenant) -> None:
    """Its times are back; without a note, it says who did it."""
    await tenant.register(definition(paused=True))

    resumed = await tenant.ask("ResumeSchedule", schedule_id="nightly")

    listed = await tenant.schedule()
    assert (False, "resumed by anonymous") == (resumed["paused"], resumed["note"])
    assert (False, "resumed by anonymous") == (listed["paused"], listed["note"])
    assert listed["next_runs"]


async def test_two_gateways_that_register_at_once_agree(
    tenant: Tenant, other_caller: Caller
) -> None:
    """A fleet registers when it deploys: every schedule is made once, and changed."""
    callers = [tenant, Tenant(other_caller, tenant.id)]
    names = [f"s{number}" for number in range(5)]

    made = await asyncio.gather(*(one.register(*map(definition, names)) for one in callers))
    changed = await asyncio.gather(
        *(one.register(*(definition(name, cron="0 5 * * *") for name in names)) for one in callers)
    )

    assert 5 == sum(reply["created"] for reply in made)
    assert {5} == {reply["registered_count"] for reply in made + changed}
    assert 5 <= sum(reply["updated"] for reply in changed)
    assert {"0 5 * * *"} == {one["cron"] for one in await tenant.schedules(5)}
    assert (5, 0, 0, 5) == counts(
        await tenant.register(*(definition(name, cron="0 5 * * *") for name in names))
    )


async def test_two_gateways_that_disagree_end_with_one_of_both(
    tenant: Tenant, other_caller: Caller
) -> None:
    """Not with a mixture, nor with an answer that is not true."""
    await tenant.register(definition())
    sets = [definition(cron=f"{minute} 5 * * *") for minute in range(2)]
    callers = [tenant, Tenant(other_caller, tenant.id)]

    await asyncio.gather(*(one.register(it) for one, it in zip(callers, sets, strict=True)))

    listed = await tenant.schedule()
    assert listed["cron"] in {it["cron"] for it in sets}
    [minute] = {datetime.fromisoformat(time).minute for time in listed["next_runs"]}
    assert minute == int(listed["cron"].partition(" ")[0])


async def test_what_changes_while_a_set_is_registered_is_kept(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause that comes between reading and writing is not undone, and the set is written."""
    await tenant.register(definition())
    read, pauses = ScheduleReader.read, iter([True])

    async def read_and_paused_after(reader: ScheduleReader, name: str) -> FoundSchedule | None:
        found = await read(reader, name)
        if next(pauses, False):
            await tenant.ask("PauseSchedule", schedule_id="nightly", note="feed is broken")
        return found

    monkeypatch.setattr(ScheduleReader, "read", read_and_paused_after)
    reply = await tenant.register(definition(cron="0 5 * * *"))

    listed = await tenant.schedule()
    assert (1, 0, 1, 0) == counts(reply)
    assert (True, "feed is broken", "0 5 * * *") == (
        listed["paused"], listed["note"], listed["cron"]
    )  # fmt: skip


async def test_a_time_zones_clock_is_followed_through_its_changes(tenant: Tenant) -> None:
    """Noon stays noon when clocks change, so its time in UTC does not."""
    await tenant.register(definition(cron="0 12 1 * *", timezone="Europe/Kyiv"))

    times = [datetime.fromisoformat(time) for time in (await tenant.schedule())["next_runs"]]

    assert {12} == {time.astimezone(ZoneInfo("Europe/Kyiv")).hour for time in times}
    assert {9, 10} == {time.hour for time in times}


@pytest.mark.parametrize(
    ("cron", "weekdays", "days"),
    [
        ("0 0 * * MON", {0}, None),
        ("0 0 13 * *", None, {13}),
        # Ten times on end never fall on the days of the week alone, whatever the month begins with.
        ("0 0 1,10,20 * 5-6", {4, 5}, {1, 10, 20}),
        ("0 0 */10 * 1", {0}, {1, 11, 21, 31}),
    ],
)
async def test_days_are_read_as_cron_reads_them(
    tenant: Tenant, cron: str, weekdays: set[int] | None, days: set[int] | None
) -> None:
    """A day of the month and one of the week mean either; one that begins with `*`, both."""
    await tenant.register(definition(cron=cron))

    times = [datetime.fromisoformat(time) for time in (await tenant.schedule())["next_runs"]]

    both = "*" in cron.split()[2]
    for time in times:
        fits = [time.weekday() in weekdays] if weekdays else []
        fits += [time.day in days] if days else []
        assert all(fits) if both else any(fits)
    assert 10 == len(times)
    if weekdays and days and not both:
        assert {time.weekday() in weekdays for time in times} == {True, False}


@pytest.mark.parametrize("cron", ["@daily", "@hourly", "@weekly", " 0  3 *\t* * "])
async def test_what_cron_users_write_is_taken(tenant: Tenant, cron: str) -> None:
    """Shorthands, and whatever white space."""
    await tenant.register(definition(cron=cron))

    listed = await tenant.schedule()
    assert cron == listed["cron"]
    assert listed["next_run_at"]


async def test_a_schedule_that_will_never_run_says_so(tenant: Tenant) -> None:
    """The thirtieth of February is sound cron, and no day."""
    await tenant.register(definition(cron="0 0 30 2 *"))

    assert "no time to come is of the cron '0 0 30 2 *'" == (await tenant.schedule())["reason"]


async def test_schedules_come_page_by_page(tenant: Tenant) -> None:
    """Every schedule once, however small the pages."""
    names = {f"s{number}" for number in range(5)}
    await tenant.register(*map(definition, names))
    await tenant.schedules(5)

    pages, token = [], None
    while True:
        more: dict[str, str] = {"page_token": token} if token else {}
        page = await tenant.ask("ListSchedules", page_size=2, **more)
        pages.append([one["schedule_id"] for one in page["schedules"]])
        token = page.get("next_page_token")
        if token is None:
            break

    assert names == {name for page in pages for name in page}
    assert 5 == sum(map(len, pages))
    assert 2 == max(map(len, pages))


async def test_an_empty_set_is_fine(tenant: Tenant) -> None:
    """And deletes nothing: a set is no inventory."""
    await tenant.register(definition())

    reply = await tenant.register()

    assert (0, 0, 0, 0) == counts(reply)
    assert await tenant.schedule()


async def test_a_deleted_schedule_is_gone(tenant: Tenant) -> None:
    """Deleting it again finds nothing, and it can be registered anew."""
    await tenant.register(definition(), definition("other"))

    deleted = await tenant.ask("DeleteSchedule", schedule_id="nightly")
    again = await tenant.caller.refused(
        "DeleteSchedule", {"tenant_id": tenant.id, "schedule_id": "nightly"}
    )

    assert {"schedule_id": "nightly", "tenant_id": tenant.id} == deleted
    assert "SCHEDULE_NOT_FOUND" == again.reason
    assert ["other"] == [one["schedule_id"] for one in await tenant.schedules(1)]
    assert (1, 1, 0, 0) == counts(await tenant.register(definition()))


async def test_a_retried_pause_is_one_pause(tenant: Tenant) -> None:
    """Also where somebody has resumed it in between: a late retry must not undo that."""
    await tenant.register(definition())
    pause = ContextUnit(payload={"tenant_id": tenant.id, "schedule_id": "nightly"})
    await tenant.caller.ask("PauseSchedule", pause)
    await tenant.ask("ResumeSchedule", schedule_id="nightly", note="all well")

    await tenant.caller.ask("PauseSchedule", pause)

    listed = await tenant.schedule()
    assert (False, "all well") == (listed["paused"], listed["note"])


async def test_a_pause_by_temporals_own_tools_survives_as_well(
    tenant: Tenant, temporal_client: Client
) -> None:
    """Operators have Temporal's UI, and use it."""
    await tenant.register(definition())
    await temporal_client.workflow_service.patch_schedule(
        PatchScheduleRequest(
            namespace=temporal_client.namespace,
            schedule_id=f"{tenant.id}-nightly",
            patch=SchedulePatch(pause="by hand"),
        )
    )

    await tenant.register(definition(cron="0 5 * * *"))

    listed = await tenant.schedule()
    assert (True, "by hand", "0 5 * * *") == (listed["paused"], listed["note"], listed["cron"])
