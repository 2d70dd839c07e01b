"""ListTasks: the caller's runs, filtered and paged, and no way to ask for others'."""

import base64
import sys
import time as clock
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from gateway_calls import Caller, until
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from contextworker.core.tenancy import TENANT_ATTRIBUTE
from contextworker.gateway.times import parsed

pytestmark = pytest.mark.usefixtures("toys")
Answer = dict[str, Any]
STRANGE_TYPE = "it's a 'toy'' OR 1=1 --"


def new_tenant() -> str:
    """Name a tenant of the test's own."""
    return f"t{uuid.uuid4().hex[:8]}"


async def start(caller: Caller, tenant: str, supplier: str = "done", **more: str) -> Answer:
    """Start a run."""
    payload = {"workflow_type": "toy", "tenant_id": tenant, "supplier_code": supplier}
    started: Answer = await caller.ask("StartWorkflow", payload | more)
    return started


async def listed(caller: Caller, **wanted: Any) -> list[Answer]:
    """List runs."""
    tasks: list[Answer] = (await caller.ask("ListTasks", wanted))["tasks"]
    return tasks


async def ended(caller: Caller, tenant: str, count: int, *, still_open: int = 0) -> list[Answer]:
    """List a tenant's runs once so many of them have ended, and so many are listed as open.

    Temporal hears of each run by itself, and may list the later of two first.
    """

    def is_so(tasks: list[Answer]) -> bool:
        closed = sum("closed_at" in task for task in tasks)
        return (count, still_open) == (closed, len(tasks) - closed)

    tasks: list[Answer] = await until(lambda: listed(caller, tenant_id=tenant), is_so)
    return tasks


async def test_a_task_is_listed_with_what_a_caller_needs(caller: Caller) -> None:
    """Enough to ask for its status, and to see how it went."""
    tenant = new_tenant()
    started = await start(caller, tenant)

    [task] = await ended(caller, tenant, 1)

    times = [datetime.fromisoformat(task.pop(name)) for name in ("started_at", "closed_at")]
    assert sorted(times) == times
    assert {
        "workflow_id": started["workflow_id"],
        "run_id": started["run_id"],
        "workflow_type": "toy",
        "status": "completed",
        "task_queue": "toys-tasks",
        "tenant_id": tenant,
    } == task


async def test_tasks_are_filtered_by_type_status_and_time(caller: Caller) -> None:
    """Each alone, and together; a chain is one task."""
    tenant = new_tenant()
    for supplier in ("done", "permanent", "wait", "again"):
        await start(caller, tenant, supplier)
    await start(caller, tenant, workflow_type="toy_plain", supplier="x")
    tasks = await ended(caller, tenant, 4, still_open=1)
    by_supplier = {task["workflow_id"].rpartition("-")[2]: task for task in tasks}
    start_of_wait = by_supplier["wait"]["started_at"]
    ids = {task["workflow_id"] for task in tasks}

    async def found(**wanted: str) -> set[str]:
        return {task["workflow_id"] for task in await listed(caller, tenant_id=tenant, **wanted)}

    assert 5 == len(tasks)
    assert "wait" == tasks[0]["workflow_id"].rpartition("-")[2]
    assert {f"toy-{tenant}-wait"} == await found(status="running")
    assert {f"toy-{tenant}-permanent"} == await found(status="failed")
    assert 1 == len(await found(workflow_type="toy_plain"))
    assert set() == await found(workflow_type="toy_plain", status="failed")
    after = await found(started_after=start_of_wait)
    before = await found(started_before=start_of_wait)
    assert f"toy-{tenant}-wait" in after
    assert f"toy-{tenant}-done" in before
    assert (ids, set()) == (after | before, after & before)


@pytest.mark.parametrize(
    "time", ["2026-01-31", "2026-01-31T08:00:00+14:00", "0001-01-01T00:00Z", "9999-12-31T23:59Z"]
)
async def test_a_time_may_be_written_in_any_way_of_iso_8601(caller: Caller, time: str) -> None:
    """However far away it is."""
    assert [] == await listed(caller, tenant_id=new_tenant(), started_after=time)


@pytest.mark.skipif(sys.platform == "win32", reason="has no tzset")
def test_a_time_without_an_offset_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the gateway stands."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        clock.tzset()
        read = parsed("2026-01-31T08:00:00")
    clock.tzset()

    assert datetime(2026, 1, 31, 8, tzinfo=UTC) == read


async def test_open_tasks_come_first_then_the_latest_to_end(caller: Caller) -> None:
    """Temporal's own order, which pages keep."""
    tenant = new_tenant()
    ids = []
    for supplier in "abc":
        ids.append((await start(caller, tenant, supplier))["workflow_id"])
        await ended(caller, tenant, len(ids))
    waiting = (await start(caller, tenant, "wait"))["workflow_id"]
    await until(lambda: listed(caller, tenant_id=tenant), lambda tasks: len(tasks) == 4)

    pages: list[list[str]] = []
    token = ""
    while not pages or token:
        page = await caller.ask(
            "ListTasks",
            {"tenant_id": tenant, "page_size": 1} | ({"page_token": token} if token else {}),
        )
        pages.append([task["workflow_id"] for task in page["tasks"]])
        token = page.get("next_page_token", "")

    found = [workflow_id for page in pages for workflow_id in page]
    assert [waiting, *reversed(ids)] == found
    assert {0, 1} >= {len(page) for page in pages}


async def test_a_token_leads_nowhere_else(caller: Caller) -> None:
    """Neither with another filter, nor for another tenant, nor cut, nor made up."""
    tenant, other = new_tenant(), new_tenant()
    for supplier in "ab":
        await start(caller, tenant, supplier)
    await ended(caller, tenant, 2)
    page = await caller.ask("ListTasks", {"tenant_id": tenant, "page_size": 1})
    token = page["next_page_token"]
    data = base64.urlsafe_b64decode(token)
    made_up = base64.urlsafe_b64encode(data[:16] + data[:15:-1]).decode()

    for wanted in (
        {"tenant_id": other, "page_token": token},
        {"page_token": token},
        {"tenant_id": tenant, "page_token": token, "status": "completed"},
        {"tenant_id": tenant, "page_token": token[:-8]},
        {"tenant_id": tenant, "page_token": token[:20]},
        {"tenant_id": tenant, "page_token": made_up},
        {"tenant_id": tenant, "page_token": "ä"},
        {"tenant_id": tenant, "page_token": "AAAA"},
    ):
        refusal = await caller.refused("ListTasks", wanted)
        assert grpc.StatusCode.INVALID_ARGUMENT == refusal.code, wanted
        assert ["payload.page_token"] == list(refusal.violations), wanted


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "queued"),
        ("status", "Running"),
        ("started_after", "yesterday"),
        ("started_before", "0001-01-01T00:00:00+14:00"),
        ("page_size", 0),
        ("page_size", 201),
        ("page_size", 1.5),
        ("tenant_id", "a' OR 1=1 --"),
        ("workflow_type", ""),
        ("workflow_type", "x\\' OR 1=1 --"),
        ("workflow_type", "x\\"),
        ("workflow_type", "x\\\\' OR '1'='1"),
        ("workflow_type", 'x" OR "a"="a'),
        ("workflow_type", "x\x00' OR 1=1"),
        ("workflow_type", "x\n' OR 1=1 #"),
        ("query", "1=1"),
    ],
)
async def test_a_filter_that_is_none_is_named(caller: Caller, field: str, value: object) -> None:
    """The field and what it should be."""
    refusal = await caller.refused("ListTasks", {field: value})

    assert grpc.StatusCode.INVALID_ARGUMENT == refusal.code
    assert [f"payload.{field}"] == list(refusal.violations)


@pytest.mark.parametrize(
    "workflow_type",
    [
        "x' OR 1=1 --",
        "x' OR 'a'='a",
        "x' OR TenantId IS NOT NULL OR WorkflowType = 'x",
        "x`' OR 1=1",
        "x'' OR 1=1 --",
        "x\u2019 OR 1=1",
        "%",
        "toy*",
    ],
)
async def test_a_filter_stays_a_value(caller: Caller, workflow_type: str) -> None:
    """Whatever is in it, it finds what has that type, and there is none."""
    await start(caller, new_tenant())

    assert [] == await listed(caller, workflow_type=workflow_type)


async def test_a_type_with_quotes_is_found(caller: Caller, temporal_client: Client) -> None:
    """A quoted value is read as it was written."""
    tenant = new_tenant()
    handle = await temporal_client.start_workflow(
        STRANGE_TYPE,
        id=f"strange-{uuid.uuid4()}",
        task_queue="nobody-polls",
        execution_timeout=timedelta(minutes=5),
        search_attributes=TypedSearchAttributes([SearchAttributePair(TENANT_ATTRIBUTE, tenant)]),
    )

    [task] = await until(lambda: listed(caller, tenant_id=tenant, workflow_type=STRANGE_TYPE), bool)

    assert (handle.id, STRANGE_TYPE) == (task["workflow_id"], task["workflow_type"])
