"""One unit, one run, for ever: whatever has run under its workflow id since."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_calls import Caller, until
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.gateway.runs import earlier
from contextworker.gateway.visibility.queries import quoted

pytestmark = pytest.mark.usefixtures("toys")
Started = dict[str, Any]


def units(supplier: str, count: int, **fields: Any) -> list[ContextUnit]:
    """Make units that all name one run."""
    payload = {
        "workflow_type": "toy",
        "supplier_code": supplier,
        "tenant_id": f"t{uuid.uuid4().hex[:8]}",
    }
    return [ContextUnit(payload=payload, **fields) for _ in range(count)]


async def start(caller: Caller, unit: ContextUnit) -> Started:
    """Start a unit's run, or find it."""
    return await caller.ask("StartWorkflow", unit)


async def end(client: Client, started: Started) -> None:
    """End a waiting run."""
    handle = client.get_workflow_handle(started["workflow_id"], run_id=started["run_id"])
    await handle.signal("finish")
    await handle.result()
    await heard_of(client, started)


async def heard_of(client: Client, started: Started) -> None:
    """Wait until visibility lists a run: earlier runs of an id are looked up there."""
    query = f"WorkflowId = {quoted(started['workflow_id'])} AND RunId = '{started['run_id']}'"
    await until(lambda: client.count_workflows(query), lambda found: found.count == 1)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
async def test_a_late_retry_gets_its_run_past_another_unit_s(
    caller: Caller, temporal_client: Client, *, closed: bool
) -> None:
    """The other's run under the same id may have closed, too, or be open still."""
    one, other = units("wait", 2)
    first = await start(caller, one)
    await end(temporal_client, first)
    second = await start(caller, other)
    if closed:
        await end(temporal_client, second)

    late = await start(caller, one)

    assert first == late
    assert first["run_id"] != second["run_id"]
    assert second == await start(caller, other)
    await heard_of(temporal_client, second)
    runs = await caller.ask("ListTasks", {"tenant_id": one.payload["tenant_id"]})
    assert 2 == len(runs["tasks"])


async def test_who_joined_a_run_finds_it_again_as_well(
    caller: Caller, temporal_client: Client
) -> None:
    """Also when it has closed and others have run since."""
    one, joining, other = units("wait", 3)
    first = await start(caller, one)
    joined = await start(caller, joining)
    await end(temporal_client, first)
    await end(temporal_client, await start(caller, other))

    late = await start(caller, joining)

    assert {**first, "status": "already_running"} == joined == late


async def test_twenty_late_retries_at_once_are_one_run(
    caller: Caller, temporal_client: Client
) -> None:
    """Those of a unit that ran, and those of a unit whose start was lost."""
    one, other, lost = units("wait", 3)
    first = await start(caller, one)
    await end(temporal_client, first)
    await end(temporal_client, await start(caller, other))

    late = await asyncio.gather(*(start(caller, unit) for unit in [one, lost] * 20))

    assert [first] * 20 == late[::2]
    assert 1 == len({started["run_id"] for started in late[1::2]})
    assert {"started"} == {started["status"] for started in late}


async def test_a_run_that_continued_as_new_is_its_units(
    caller: Caller, temporal_client: Client
) -> None:
    """The unit gets the run that it started, of which the status is the latest's."""
    one, other = units("again", 2)
    first = await start(caller, one)
    await temporal_client.get_workflow_handle(first["workflow_id"]).result()
    await heard_of(temporal_client, first)
    await start(caller, other)

    late = await start(caller, one)

    assert first == late


async def test_the_begin_of_a_chain_is_known_without_visibility(
    caller: Caller, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while visibility has yet to hear of it: the chain's latest run says where it began."""
    monkeypatch.setattr(earlier, "quoted", lambda _: quoted("heard of nothing"))
    unit = units("again", 1)[0]
    first = await start(caller, unit)
    await temporal_client.get_workflow_handle(first["workflow_id"]).result()

    assert first == await start(caller, unit)


async def test_a_unit_gets_its_run_past_more_than_are_looked_through(
    caller: Caller, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the retry of a caller who was away for hours, of an id that ran every few seconds."""
    monkeypatch.setattr(earlier, "_MOST_RUNS", 2)
    one, *others = units("wait", 4, created_at=datetime.now(UTC))
    first = await start(caller, one)
    # Its own run alone began so soon, however long that took.
    monkeypatch.setattr(earlier, "_SENT_WITHIN", (datetime.now(UTC) - one.created_at,))
    await end(temporal_client, first)
    for other in others:
        await end(temporal_client, await start(caller, other))

    assert first == await start(caller, one)


@pytest.mark.parametrize(
    "away", [timedelta(days=-3000), timedelta(days=3000)], ids=["past", "future"]
)
async def test_a_unit_whose_time_is_wrong_gets_its_run(
    caller: Caller, temporal_client: Client, away: timedelta
) -> None:
    """Whatever its maker's clock says."""
    one, other = units("wait", 2, created_at=datetime.now(UTC) + away)
    first = await start(caller, one)
    await end(temporal_client, first)
    await end(temporal_client, await start(caller, other))

    late = await start(caller, one)

    assert first == late


async def test_a_unit_without_a_time_gets_its_run(caller: Caller, temporal_client: Client) -> None:
    """Its arrival then counts, so that it has to come again within minutes."""
    one, other = units("wait", 2)
    message = one.to_protobuf()
    message.ClearField("created_at")
    first = await caller.ask("StartWorkflow", message)
    await end(temporal_client, first)
    await end(temporal_client, await start(caller, other))

    late = await caller.ask("StartWorkflow", message)

    assert first == late


async def test_a_unit_with_another_payload_gets_its_first_run(
    caller: Caller, temporal_client: Client
) -> None:
    """The unit's id alone tells units apart."""
    one, other = units("wait", 2)
    first = await start(caller, one)
    await end(temporal_client, first)
    await end(temporal_client, await start(caller, other))

    changed = await start(caller, one.model_copy(update={"payload": {**one.payload, "limit": 3}}))

    assert first == changed
