"""CancelTask: a run is asked to stop, and says so until it has."""

import uuid
from typing import Any

import pytest
import pytest_asyncio
from gateway_calls import Caller
from gateway_deployments import deploy, until_announced
from gateway_strangers import unserved
from temporalio.client import Client

from contextcore import ContextUnit
from contextworker.core.announcement import Announcement
from contextworker.gateway.runs import cancelling
from contextworker.gateway.runs.access import AskedRun, find_own
from contextworker.gateway.temporal import Temporal

pytestmark = pytest.mark.usefixtures("toys")
Answer = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def nobody(temporal_client: Client, caller: Caller) -> None:
    """A module whose workers never come."""
    await deploy(temporal_client, "unserved", "dev", Announcement.of(unserved).to_payload())
    await until_announced(caller, name="unserved")


async def start(caller: Caller, **payload: Any) -> Answer:
    """Start a run of this test's own tenant."""
    tenant = {"workflow_type": "toy", "tenant_id": f"t{uuid.uuid4().hex[:8]}"}
    return await caller.ask("StartWorkflow", tenant | payload)


def closed(status: Answer) -> bool:
    """Tell whether a run has ended."""
    return status["status"] not in ("queued", "running")


def works(status: Answer) -> bool:
    """Tell whether a worker has taken a run, for which one may need more than a moment."""
    return bool(status["status"] == "running")


@pytest.mark.parametrize("supplier", ["wait", "work"])
async def test_a_cancelled_run_says_why(caller: Caller, supplier: str) -> None:
    """Whether its own code waits or an activity works."""
    started = await start(caller, supplier_code=supplier)
    run = {name: started[name] for name in ("workflow_id", "run_id")}

    answer = await caller.ask("CancelTask", {**run, "reason": "stock moved"})
    status = await caller.status_when(started["workflow_id"], closed)

    assert {**run, "status": "cancelling"} == answer
    assert ("cancelled", "the run was cancelled: stock moved") == (
        status["status"],
        status["reason"],
    )
    assert "cancel_requested" not in status


async def test_cancelling_again_changes_nothing(
    caller: Caller, nobody: None, temporal_client: Client
) -> None:
    """The same unit or another: the run is asked once or twice, and told the first reason."""
    started = await start(caller, workflow_type="unserved")
    unit = ContextUnit(payload={"workflow_id": started["workflow_id"], "reason": "stock moved"})
    other = ContextUnit(payload=unit.payload)

    answers = [await caller.ask("CancelTask", it) for it in (unit, unit, other)]

    history = await temporal_client.get_workflow_handle(started["workflow_id"]).fetch_history()
    requests = [
        event
        for event in history.events
        if event.HasField("workflow_execution_cancel_requested_event_attributes")
    ]
    assert 1 == len(requests)
    assert [answers[0]] * 3 == answers


async def test_a_queued_run_waits_to_be_told(caller: Caller, nobody: None) -> None:
    """Only a worker can stop it; its status says that it was asked to, and whom it waits for."""
    started = await start(caller, workflow_type="unserved")
    await caller.ask("CancelTask", {"workflow_id": started["workflow_id"]})

    status = await caller.status(started["workflow_id"])

    assert ("queued", True) == (status["status"], status["cancel_requested"])
    assert (
        "no worker polls unserved-tasks; the run starts when one does, and is then told that it "
        "was cancelled"
    ) == status["reason"]


async def test_a_run_that_has_ended_stays_as_it_is(caller: Caller) -> None:
    """The answer says how it ended: what was wanted of it is over either way."""
    started = await start(caller, supplier_code="done")
    await caller.status_when(started["workflow_id"], closed)

    answer = await caller.ask("CancelTask", {"workflow_id": started["workflow_id"]})

    assert "completed" == answer["status"]
    assert "completed" == (await caller.status(started["workflow_id"]))["status"]


async def test_an_older_run_is_not_taken_for_the_one_that_runs(caller: Caller) -> None:
    """Asked for by its run id it has ended; the later run under the same id goes on."""
    tenant = f"t{uuid.uuid4().hex[:8]}"
    first = await start(caller, supplier_code="wait", tenant_id=tenant)
    await caller.ask("CancelTask", {"workflow_id": first["workflow_id"]})
    await caller.status_when(first["workflow_id"], closed)
    second = await start(caller, supplier_code="wait", tenant_id=tenant)

    answer = await caller.ask(
        "CancelTask", {"workflow_id": first["workflow_id"], "run_id": first["run_id"]}
    )
    status = await caller.status_when(first["workflow_id"], works)
    await caller.ask("CancelTask", {"workflow_id": first["workflow_id"]})

    assert "cancel_requested" not in status
    assert {"workflow_id": first["workflow_id"], "run_id": first["run_id"]} | {
        "status": "cancelled"
    } == answer
    assert (second["run_id"], "running") == (status["run_id"], status["status"])


async def test_a_run_that_ends_while_it_is_asked_has_ended(
    caller: Caller, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that another unit began under its id in that very moment is not asked instead."""
    tenant = f"t{uuid.uuid4().hex[:8]}"
    first = await start(caller, supplier_code="wait", tenant_id=tenant)
    looks: list[str] = []
    second: Answer = {}

    async def look_and_end(temporal: Temporal, asked: AskedRun, **options: Any) -> Any:
        looks.append(asked.run_id)
        found = await find_own(temporal, asked, **options)
        if len(looks) == 1:
            await temporal_client.get_workflow_handle(first["workflow_id"]).terminate()
            second.update(await start(caller, supplier_code="wait", tenant_id=tenant))
        return found

    monkeypatch.setattr(cancelling, "find_own", look_and_end)
    answer = await caller.ask("CancelTask", {"workflow_id": first["workflow_id"]})
    status = await caller.status_when(first["workflow_id"], works)

    assert ["", first["run_id"]] == looks
    assert (first["run_id"], "terminated") == (answer["run_id"], answer["status"])
    assert (second["run_id"], "running") == (status["run_id"], status["status"])
    assert "cancel_requested" not in status


async def test_a_run_that_continued_is_cancelled_by_its_first_run(caller: Caller) -> None:
    """The chain is one task to its caller."""
    started = await start(caller, supplier_code="continue_and_wait")
    await caller.status_when(started["workflow_id"], lambda it: it["run_id"] != started["run_id"])

    answer = await caller.ask(
        "CancelTask", {"workflow_id": started["workflow_id"], "run_id": started["run_id"]}
    )
    status = await caller.status_when(started["workflow_id"], closed)

    assert "cancelling" == answer["status"]
    assert "cancelled" == status["status"]


async def test_a_reason_has_an_end(caller: Caller) -> None:
    """It goes into the run's history."""
    refusal = await caller.refused("CancelTask", {"workflow_id": "a", "reason": "x" * 1001})

    assert ["payload.reason"] == list(refusal.violations)
