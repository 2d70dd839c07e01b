"""What the RPCs about schedules refuse: the exact status, and every wrong field at once."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from gateway_calls import Caller, Refusal, connected, until
from gateway_deployments import deploy, until_announced
from gateway_schedules import Tenant, definition
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
)

from contextcore import ContextUnit
from contextworker.core.announcement import AnnouncedRoute, Announcement
from contextworker.core.testing import temporal_server
from contextworker.core.workflow_ids import MAX_CHARACTERS
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

INVALID = grpc.StatusCode.INVALID_ARGUMENT
SPAN = {"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z"}
MACROS = "@yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly"


@pytest.fixture
def tenant(caller: Caller, toys: None) -> Tenant:
    """A tenant without schedules."""
    return Tenant(caller)


@pytest.mark.parametrize(
    ("wrong", "violations"),
    [
        ({"cron": "61 * * * *"}, {".cron": "cannot be read: Minute is not in range [0-59]"}),
        ({"cron": "0 0 * * FRI-MON"}, {
            ".cron": "cannot be read: DayOfWeek End is before Start or not in range [0-7]"
        }),
        ({"cron": "*/0 * * * *"}, {".cron": "cannot be read: Minute has invalid Step"}),
        ({"cron": "* * * *"}, {
            ".cron": (
                "must have five fields (minute, hour, day of month, month, day of week), not 4"
            )
        }),
        ({"cron": "0 0 0 * * *"}, {
            ".cron": (
                "must have five fields (minute, hour, day of month, month, day of week), not 6"
            )
        }),
        ({"cron": "0 0 ? * 5#2"}, {
            ".cron": (
                "has the day of month '?', which is none: use numbers, names, '*', ',', '-', '/'"
            )
        }),
        ({"cron": "0 0 * * 5#2"}, {
            ".cron": (
                "has the day of week '5#2', which is none: use numbers, names, '*', ',', '-', '/'"
            )
        }),
        ({"cron": "@every 5m"}, {".cron": f"must be five fields or one of {MACROS}"}),
        ({"cron": "TZ=UTC 0 0 * *"}, {
            ".cron": (
                "has the minute 'TZ=UTC', which is none: use numbers, names, '*', ',', '-', '/'"
            )
        }),
        ({"timezone": "Mars/Olympus"}, {
            ".timezone": "cannot be read: unknown time zone Mars/Olympus"
        }),
        ({"timezone": "Local"}, {
            ".timezone": "must be the name of a time zone, such as Europe/Kyiv or UTC"
        }),
        ({"timezone": "+02:00"}, {
            ".timezone": "must be the name of a time zone, such as Europe/Kyiv or UTC"
        }),
        ({"overlap": "wait"}, {
            ".overlap": (
                'must be one of "skip", "buffer_one", "buffer_all", "cancel_other", '
                '"terminate_other", "allow_all", not "wait"'
            )
        }),
        ({"schedule_id": "../x"}, {
            ".schedule_id": 'must match the pattern ^[A-Za-z0-9][A-Za-z0-9_.-]*$, not "../x"'
        }),
        ({"paused": "yes"}, {".paused": 'must be true or false, not "yes"'}),
        ({"catchup_window_s": 1}, {".catchup_window_s": "must be 10 or more, not 1"}),
        ({"payload": {"supplier_code": "", "limit": 0}}, {
            ".payload.supplier_code": 'must have at least 1 character, not ""',
            ".payload.limit": "must be 1 or more, not 0",
        }),
        ({"workflow_type": "x" * MAX_CHARACTERS}, {
            ".workflow_type": f"is too long: a run's id would pass {MAX_CHARACTERS} characters"
        }),
        ({"payload": {}}, {".payload.supplier_code": "is required"}),
        ({"payload": {"supplier_code": "x", "tenant_id": "acme"}}, {
            ".payload.tenant_id": "must be {tenant!r} as outside the payload, or left out"
        }),
        ({"payload": {"supplier_code": "x", "workflow_type": "toy_plain"}}, {
            ".payload.workflow_type": "must be 'toy' as outside the payload, or left out"
        }),
        ({"workflow_type": "toy_plain", "payload": {"text": "x" * 40_000}}, {
            ".payload": (
                "takes 39.1 KiB, and a schedule's holds 32; put bulk data into a store and send a "
                "reference to it"
            )
        }),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_schedule_is_said_where_it_is(
    tenant: Tenant, wrong: dict[str, Any], violations: dict[str, str]
) -> None:
    """Each field with its place in the set; and not even the sound ones are written."""
    schedules = [definition("one"), definition("two"), {**definition("three"), **wrong}]

    refusal = await tenant.caller.refused(
        "RegisterSchedules", {"tenant_id": tenant.id, "schedules": schedules}
    )

    assert (INVALID, "INVALID_REQUEST") == (refusal.code, refusal.reason)
    assert {
        f"payload.schedules[2]{field}": text.format(tenant=tenant.id)
        for field, text in violations.items()
    } == refusal.violations
    again = await tenant.register(definition("one"), definition("two"))
    assert 2 == again["created"]


async def test_every_problem_of_a_set_comes_at_once(tenant: Tenant) -> None:
    """Also those that only Temporal, or only a module, can tell."""
    schedules = [
        definition(cron="61 * * * *", payload={"supplier_code": ""}),
        definition("two", workflow_type="toi"),
        definition(timezone="Nowhere/City"),
        definition("four", cron="61 * * * *"),
    ]

    refusal = await tenant.caller.refused(
        "RegisterSchedules", {"tenant_id": tenant.id, "schedules": schedules}
    )

    unknown = refusal.violations.pop("payload.schedules[1].workflow_type")
    assert unknown.startswith("no module serves the workflow type 'toi'; known: ")
    assert {
        "payload.schedules[0].cron": "cannot be read: Minute is not in range [0-59]",
        "payload.schedules[0].payload.supplier_code": 'must have at least 1 character, not ""',
        "payload.schedules[2].schedule_id": "is that of schedules[0], too",
        "payload.schedules[2].timezone": "cannot be read: unknown time zone Nowhere/City",
        "payload.schedules[3].cron": "cannot be read: Minute is not in range [0-59]",
    } == refusal.violations


@pytest.mark.parametrize(
    ("rpc", "payload", "fields"),
    [
        ("RegisterSchedules", {}, ["schedules"]),
        ("RegisterSchedules", {"schedules": [5, {}]}, [
            "schedules[0]", "schedules[1].cron", "schedules[1].schedule_id",
            "schedules[1].workflow_type",
        ]),
        ("RegisterSchedules", {"schedules": [definition(), definition(crn="x")]}, [
            "schedules[1].crn"
        ]),
        ("RegisterSchedules", {
            "schedules": [definition(f"s{number}") for number in range(101)]
        }, ["schedules"]),
        ("ListSchedules", {"page_size": 0, "page": 1}, ["page", "page_size"]),
        ("ListSchedules", {"page_size": 101}, ["page_size"]),
        ("ListSchedules", {"page_token": "%%%"}, ["page_token"]),
        ("ListSchedules", {"page_token": "bm9uZQ=="}, ["page_token"]),
        ("ListSchedules", {"tenant_id": "a b"}, ["tenant_id"]),
        ("PauseSchedule", {"note": "ü" * 501}, ["note", "schedule_id"]),
        ("ResumeSchedule", {"schedule_id": ""}, ["schedule_id"]),
        ("TriggerSchedule", {"schedule_id": "x", "overlap": 5}, ["overlap"]),
        ("BackfillSchedule", {"schedule_id": "x", "start_at": "yesterday"}, [
            "end_at", "start_at"
        ]),
        ("BackfillSchedule", {
            "schedule_id": "x", "start_at": SPAN["end_at"], "end_at": SPAN["start_at"]
        }, ["end_at"]),
        ("BackfillSchedule", {
            "schedule_id": "x", "start_at": SPAN["start_at"], "end_at": "2999-01-01T00:00:00Z"
        }, ["end_at"]),
        ("BackfillSchedule", {
            "schedule_id": "x", **SPAN, "start_at": "2016-12-31T23:59:60Z"
        }, ["start_at"]),
        ("BackfillSchedule", {
            "schedule_id": "x", **SPAN, "start_at": "0001-01-01T00:00:00+14:00"
        }, ["start_at"]),
        ("DeleteSchedule", {"schedule_id": "x" * 129}, ["schedule_id"]),
    ],
)  # fmt: skip
async def test_a_request_of_another_shape_names_its_fields(
    caller: Caller, rpc: str, payload: dict[str, Any], fields: list[str]
) -> None:
    """All of them, before anybody is asked anything."""
    refusal = await caller.refused(rpc, payload)

    assert INVALID == refusal.code
    assert [f"payload.{field}" for field in fields] == sorted(refusal.violations)


@pytest.mark.parametrize(
    "rpc",
    ["PauseSchedule", "ResumeSchedule", "TriggerSchedule", "BackfillSchedule", "DeleteSchedule"],
)
async def test_an_unknown_schedule_is_not_found(tenant: Tenant, rpc: str) -> None:
    """By every call that is about one."""
    more = SPAN if rpc == "BackfillSchedule" else {}

    refusal = await tenant.caller.refused(
        rpc, {"tenant_id": tenant.id, "schedule_id": "nightly", **more}
    )

    assert (grpc.StatusCode.NOT_FOUND, "SCHEDULE_NOT_FOUND") == (refusal.code, refusal.reason)
    assert {"tenant_id": tenant.id, "schedule_id": "nightly"} == refusal.metadata
    assert (
        f"the tenant {tenant.id!r} has no schedule 'nightly': it was never registered, or it was "
        "deleted"
    ) == refusal.message


async def test_a_schedule_that_was_made_by_other_means_is_nobodys(
    tenant: Tenant, temporal_client: Client
) -> None:
    """Without a tenant's mark it is no tenant's, whatever its name."""
    action = ScheduleActionStartWorkflow("toy", id="by-hand", task_queue="toys-tasks")
    await temporal_client.create_schedule(
        f"{tenant.id}-nightly", Schedule(action=action, spec=ScheduleSpec())
    )

    refusal = await tenant.caller.refused(
        "DeleteSchedule", {"tenant_id": tenant.id, "schedule_id": "nightly"}
    )

    assert "SCHEDULE_NOT_FOUND" == refusal.reason


@pytest.mark.slow  # each of its calls waits for its deadline
async def test_while_temporal_is_away_every_call_says_so(tmp_path: Path) -> None:
    """And after, the set that was refused is registered when it is sent again."""
    # More than an answer takes where the machine is busy, and all of the calls at once wait for it.
    settings = GatewaySettings(port=0, gateway_shutdown_grace_s=1, gateway_temporal_timeout_s=10)
    routes = (AnnouncedRoute(workflow_type="toy"),)
    announced = Announcement(module="toys", task_queue="toys-tasks", routes=routes)
    one = {"schedule_id": "nightly"}
    whole = ContextUnit(payload={"schedules": [definition(), definition("other")]})
    calls: dict[str, dict[str, Any] | ContextUnit] = {
        "RegisterSchedules": whole,
        "ListSchedules": {},
        "PauseSchedule": one,
        "ResumeSchedule": one,
        "TriggerSchedule": one,
        "BackfillSchedule": one | SPAN,
        "DeleteSchedule": one,
    }
    async with temporal_server(database=tmp_path / "temporal.db") as server:
        client = await server.connect()
        await deploy(client, "toys", "1", announced.to_payload())
        async with gateway(client, settings) as port, connected(port) as caller:
            await until_announced(caller, name="toys")
            await caller.ask("RegisterSchedules", {"schedules": [definition()]})
            server.kill()
            refusals = await asyncio.gather(
                *(caller.refused(rpc, payload, timeout=60) for rpc, payload in calls.items())
            )
            server.start()
            await server.answers()

            async def again() -> dict[str, Any] | None:
                try:
                    return await caller.ask("RegisterSchedules", whole)
                except Refusal:
                    return None

            reply = await until(again, bool)

    assert {(grpc.StatusCode.UNAVAILABLE, "TEMPORAL_UNAVAILABLE", 2.0)} == {
        (refusal.code, refusal.reason, refusal.retry_after_s) for refusal in refusals
    }
    assert {"registered_count": 2, "created": 1, "updated": 0, "unchanged": 1} == reply
