"""Harvests from request to report on a real Temporal server."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError

from contextcore import ContextUnit
from contextworker.brain import Brain, RunStatus
from contextworker.core.messages import Progress
from contextworker.core.testing import running
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.core.testing.server import free_port
from contextworker.harvest.messages import HarvestAllReport, HarvestReport
from contextworker.harvest.module import module
from contextworker.harvest.workflows import HarvestWorkflow

QUICK_RETRY = """
[mapping]
sku = "sku"
name = "name"
[retry]
maximum_attempts = 3
initial_interval_s = 0.01
"""

Handle = WorkflowHandle[Any, ContextUnit]


class Harvests:
    """Starts harvests as the gateway would."""

    def __init__(self, client: Client, tenant_id: str) -> None:
        self.client = client
        self.tenant_id = tenant_id

    async def start(self, supplier_code: str) -> Handle:
        """Start one harvest."""
        unit = ContextUnit(
            payload={
                "workflow_type": "harvest",
                "supplier_code": supplier_code,
                "tenant_id": self.tenant_id,
            },
            provenance=["test:harvest"],
        )
        handle: Handle = await self.client.start_workflow(
            "harvest",
            unit,
            id=f"harvest-{self.tenant_id}-{supplier_code}",
            task_queue=module.queue,
            result_type=ContextUnit,
            task_timeout=timedelta(seconds=5),
        )
        return handle

    def handle(self, supplier_code: str) -> Handle:
        """Return the supplier's latest harvest."""
        return self.client.get_workflow_handle_for(
            HarvestWorkflow.run, f"harvest-{self.tenant_id}-{supplier_code}"
        )

    async def report(self, supplier_code: str) -> HarvestReport:
        """Harvest one supplier to the end."""
        answer = await (await self.start(supplier_code)).result()
        assert ["test:harvest", "worker:harvest"] == answer.provenance
        return HarvestReport.model_validate(answer.payload)

    async def failure(self, supplier_code: str) -> ApplicationError:
        """Harvest a supplier that cannot be, and return why."""
        handle = await self.start(supplier_code)
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        cause = caught.value.cause
        assert isinstance(cause, ApplicationError), repr(cause)
        return cause

    async def attempts(self, supplier_code: str) -> dict[str, int]:
        """Return how often each activity of a finished harvest was tried."""
        handle = self.handle(supplier_code)
        names: dict[int, str] = {}
        tried: dict[str, int] = {}
        async for event in handle.fetch_history_events():
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                scheduled = event.activity_task_scheduled_event_attributes
                names[event.event_id] = scheduled.activity_type.name
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                started = event.activity_task_started_event_attributes
                tried[names[started.scheduled_event_id]] = started.attempt
        return tried


@pytest_asyncio.fixture(loop_scope="session")
async def harvests(
    client: Client, environment: Mapping[str, str], request: pytest.FixtureRequest
) -> AsyncIterator[Harvests]:
    """A running harvest worker, and a tenant of this test's own."""
    tenant = "".join(character if character.isalnum() else "_" for character in request.node.name)
    async with running(client, module):
        yield Harvests(client, tenant[:60].rstrip("_"))


async def test_a_harvest(
    harvests: Harvests, brain: Brain, suppliers: Any, record_history: RecordHistory
) -> None:
    """A second harvest tells apart what is new, changed and the same; every row is counted."""
    suppliers.feed(
        "camp.csv", "sku,name,price,stock\na,A,1,1\nb,B,1,1\nc,C,1,1\nd,,1,1\na,A2,1,1\n"
    )
    suppliers.write("camp", "camp.csv")
    first = await harvests.report("camp")
    assert (5, 3, 0, 0, {"missing_name": 1}, 1) == (
        first.rows,
        first.inserted,
        first.updated,
        first.unchanged,
        first.rejected_by_reason,
        first.duplicates,
    )
    suppliers.feed("camp.csv", "sku,name,price,stock\na,A2,1,1\nb,B,2,1\ne,E,1,1\n")
    second = await harvests.report("camp")
    assert (1, 1, 1) == (second.inserted, second.updated, second.unchanged)
    runs = await brain.list_runs(harvests.tenant_id)
    assert [(second.run_id, RunStatus.COMPLETED), (first.run_id, RunStatus.COMPLETED)] == [
        (run.run_id, run.status) for run in runs
    ]
    await record_history(harvests.handle("camp"), module, "completed")


async def test_progress_when_done(harvests: Harvests, suppliers: Any) -> None:
    """A finished harvest answers the progress query with all its rows."""
    suppliers.csv("camp", 3)
    await harvests.report("camp")
    handle = harvests.client.get_workflow_handle(f"harvest-{harvests.tenant_id}-camp")
    progress = await handle.query("progress", result_type=Progress)
    assert Progress(stage="done", done=3, total=3) == progress


async def test_a_transient_failure_is_tried_again(
    harvests: Harvests, suppliers: Any, web: Any, record_history: RecordHistory
) -> None:
    """A feed that is unavailable once is harvested at the next attempt."""
    web.answer("/feed.csv", "sku,name\na,Tent\n")
    handle = web.paths["/feed.csv"]

    def first_refuse(request: Any) -> None:
        web.paths["/feed.csv"] = handle
        request.send_error(503)

    web.paths["/feed.csv"] = first_refuse
    suppliers.write("camp", web.url("/feed.csv"), rest=QUICK_RETRY)
    assert 1 == (await harvests.report("camp")).inserted
    assert 2 == (await harvests.attempts("camp"))["fetch_products"]
    await record_history(harvests.handle("camp"), module, "tried-again")


async def test_unavailable_feed(
    harvests: Harvests, brain: Brain, suppliers: Any, web: Any, record_history: RecordHistory
) -> None:
    """A feed that stays unavailable is tried as often as its supplier file says, then explained."""
    url = web.answer("/feed.csv", status=503)
    suppliers.write("camp", url, rest=QUICK_RETRY)
    failure = await harvests.failure("camp")
    assert f"Camp: the server of {url} answers with HTTP 503" == failure.message
    assert "FeedUnavailableError" == failure.type
    assert {
        "start_harvest": 1,
        "fetch_products": 3,
        "finish_harvest": 1,
    } == await harvests.attempts("camp")
    (run,) = await brain.list_runs(harvests.tenant_id)
    assert (RunStatus.FAILED, failure.message) == (run.status, run.error)
    await record_history(harvests.handle("camp"), module, "unavailable-feed")


async def test_a_failure_is_shown_while_it_is_tried_again(
    harvests: Harvests, suppliers: Any
) -> None:
    """Whoever asks meanwhile sees the sentence: Temporal drops a failure of more than 4 KB."""
    address = f"http://127.0.0.1:{free_port()}/feed.csv"
    suppliers.write("camp", address, rest=QUICK_RETRY.replace("0.01", "60"))
    assert f"Camp: the server of {address} cannot be reached" == await last_failure(harvests)


async def last_failure(harvests: Harvests) -> str:
    """Start a harvest that has to try again; end it when it does, and return what it says."""
    handle = await harvests.start("camp")
    async with asyncio.timeout(30):
        while True:
            for activity in (await handle.describe()).raw_description.pending_activities:
                if message := activity.last_failure.message:
                    await handle.terminate()
                    return message
            await asyncio.sleep(0.02)


async def test_unknown_supplier(
    harvests: Harvests, brain: Brain, suppliers: Any, record_history: RecordHistory
) -> None:
    """A supplier that does not exist fails at the first attempt, naming those that do."""
    suppliers.csv("camp", 1)
    failure = await harvests.failure("tents")
    assert "there is no supplier 'tents'; known suppliers: camp" == failure.message
    assert "SupplierError" == failure.type
    assert {"start_harvest": 1, "finish_harvest": 1} == await harvests.attempts("tents")
    (run,) = await brain.list_runs(harvests.tenant_id)
    assert (RunStatus.FAILED, failure.message) == (run.status, run.error)
    await record_history(harvests.handle("tents"), module, "unknown-supplier")


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("camp.csv", "sku,name\n")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"sku,name,price,stock\n", "has a header but no rows"),
        (_zip(), "should be a CSV file but is a ZIP archive"),
        (
            "sku,name,price,stock\na,Намет,1,1\n".encode("cp1251"),
            "is not utf-8 text: byte 24 on line 2",
        ),
        (b"number,title\na,Tent\n", "has no column 'name', 'price', 'sku', 'stock'"),
    ],
    ids=["empty", "header", "zip", "encoding", "columns"],
)
async def test_unusable_feeds(
    *,
    harvests: Harvests,
    brain: Brain,
    suppliers: Any,
    record_history: RecordHistory,
    content: bytes,
    said: str,
) -> None:
    """A feed that is not what it should be fails at the first attempt with one sentence."""
    suppliers.write("camp", suppliers.feed("camp.csv", content))
    failure = await harvests.failure("camp")
    assert failure.message.startswith("Camp: the feed ")
    assert said in failure.message
    assert "FeedError" == failure.type
    assert {1} == set((await harvests.attempts("camp")).values())
    (run,) = await brain.list_runs(harvests.tenant_id)
    assert failure.message == run.error
    await record_history(harvests.handle("camp"), module, "unusable-feed")


async def test_wrong_request(
    harvests: Harvests, suppliers: Any, record_history: RecordHistory
) -> None:
    """A payload the gateway would have refused fails the run rather than retrying for ever."""
    failure = await harvests.failure("Not a code")
    assert "supplier_code" in failure.message
    await record_history(harvests.handle("Not a code"), module, "wrong-request")


async def test_cancel(
    harvests: Harvests, brain: Brain, suppliers: Any, web: Any, record_history: RecordHistory
) -> None:
    """A cancelled harvest stops, and the Brain knows."""
    suppliers.write("camp", web.hang("/feed.csv"), rest=QUICK_RETRY.replace("0.01", "60"))
    handle = await harvests.start("camp")
    await web.asked()
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    assert WorkflowExecutionStatus.CANCELED is (await handle.describe()).status
    (run,) = await brain.list_runs(harvests.tenant_id)
    assert (RunStatus.CANCELLED, "the harvest was cancelled") == (run.status, run.error)
    await record_history(handle, module, "cancelled")


async def test_cancel_all(
    harvests: Harvests, brain: Brain, suppliers: Any, web: Any, record_history: RecordHistory
) -> None:
    """Cancelling a harvest of all cancels the ones under way."""
    for code in ("alp", "camp"):
        suppliers.write(code, web.hang(f"/{code}.csv"), rest=QUICK_RETRY.replace("0.01", "60"))
    handle = await harvests.start("all")
    await web.asked(2)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    runs = await brain.list_runs(harvests.tenant_id)
    assert ["the harvest was cancelled"] * 2 == [run.error for run in runs]
    await record_history(handle, module, "all-cancelled")


async def test_all(
    harvests: Harvests, brain: Brain, suppliers: Any, record_history: RecordHistory
) -> None:
    """Every supplier is harvested by a run of its own; one that fails leaves the others alone."""
    suppliers.csv("alp", 2)
    suppliers.csv("camp", 3)
    suppliers.write("torn", "nowhere.csv")
    answer = await (await harvests.start("all")).result()
    report = HarvestAllReport.model_validate(answer.payload)
    assert (2, 1, 0) == (report.completed, report.failed, report.already_running)
    assert [("alp", "completed", 2), ("camp", "completed", 3), ("torn", "failed", None)] == [
        (one.supplier_code, one.status, one.report and one.report.inserted)
        for one in report.suppliers
    ]
    assert "nowhere.csv does not exist" in str(report.suppliers[2].error)
    assert f"harvest-{harvests.tenant_id}-camp" == report.suppliers[1].workflow_id
    assert {"alp", "camp", "torn"} == {
        run.supplier_code for run in await brain.list_runs(harvests.tenant_id)
    }
    await record_history(harvests.handle("all"), module, "all")


async def test_all_while_one_runs(
    harvests: Harvests, suppliers: Any, web: Any, record_history: RecordHistory
) -> None:
    """A supplier that is being harvested already is reported, not harvested twice."""
    suppliers.csv("alp", 2)
    suppliers.write("camp", web.hang("/feed.csv"), rest=QUICK_RETRY.replace("0.01", "60"))
    running_already = await harvests.start("camp")
    await web.asked()
    answer = await (await harvests.start("all")).result()
    report = HarvestAllReport.model_validate(answer.payload)
    assert (1, 0, 1) == (report.completed, report.failed, report.already_running)
    await running_already.terminate()
    await record_history(harvests.handle("all"), module, "all-while-one-runs")


async def test_all_of_nothing(
    harvests: Harvests, suppliers: Any, record_history: RecordHistory
) -> None:
    """Where no supplier can be harvested the run fails, with every reason."""
    assert "there are no suppliers" in (await harvests.failure("all")).message
    suppliers.write("No Code", "nowhere.csv")
    assert "SupplierError" == (await harvests.failure("all")).type
    (suppliers.folder / "No Code.toml").unlink()
    suppliers.write("torn", "nowhere.csv")
    message = (await harvests.failure("all")).message
    assert message.startswith("no supplier could be harvested: torn: Torn: the feed file")
    await record_history(harvests.handle("all"), module, "all-fail")
