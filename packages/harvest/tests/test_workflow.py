"""Harvests from request to report on a real Temporal server."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import CancelledError

from contextworker.brain import Brain, RunStatus
from contextworker.core.messages import Progress
from contextworker.core.testing.fixtures import RecordHistory
from contextworker.core.testing.server import free_port
from contextworker.harvest.activities import harvester
from contextworker.harvest.activities.finishing import finish
from contextworker.harvest.messages import HarvestAllReport, HarvestReport
from contextworker.harvest.module import module

QUICK_RETRY = """
[mapping]
sku = "sku"
name = "name"
[retry]
maximum_attempts = 3
initial_interval_s = 0.01
"""


async def test_a_harvest(
    harvests: Any, brain: Brain, suppliers: Any, record_history: RecordHistory
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


async def test_progress_when_done(harvests: Any, suppliers: Any) -> None:
    """A finished harvest answers the progress query with all its rows."""
    suppliers.csv("camp", 3)
    await harvests.report("camp")
    handle = harvests.client.get_workflow_handle(f"harvest-{harvests.tenant_id}-camp")
    progress = await handle.query("progress", result_type=Progress)
    assert Progress(stage="done", done=3, total=3) == progress


async def test_a_transient_failure_is_tried_again(
    harvests: Any, suppliers: Any, web: Any, record_history: RecordHistory
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
    harvests: Any, brain: Brain, suppliers: Any, web: Any, record_history: RecordHistory
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


async def test_a_failure_is_shown_while_it_is_tried_again(harvests: Any, suppliers: Any) -> None:
    """Whoever asks meanwhile sees the sentence: Temporal drops a failure of more than 4 KB."""
    address = f"http://127.0.0.1:{free_port()}/feed.csv"
    suppliers.write("camp", address, rest=QUICK_RETRY.replace("0.01", "60"))
    assert f"Camp: the server of {address} cannot be reached" == await last_failure(harvests)


async def last_failure(harvests: Any) -> str:
    """Start a harvest that has to try again; end it when it does, and return what it says."""
    handle = await harvests.start("camp")
    async with asyncio.timeout(30):
        while True:
            for activity in (await handle.describe()).raw_description.pending_activities:
                if message := activity.last_failure.message:
                    await handle.terminate()
                    return str(message)
            await asyncio.sleep(0.02)


async def test_unknown_supplier(
    harvests: Any, brain: Brain, suppliers: Any, record_history: RecordHistory
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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"sku,name,price,stock\n", "has no rows"),
        (b"<!doctype html><title>Log in</title>", "is a web page"),
        (b"sku,name,price,stock\n,A,1,1\n,B,1,1\n", "every one of the 2 rows was rejected"),
    ],
    ids=["empty", "header", "page", "rejects"],
)
async def test_unusable_feeds(
    *,
    harvests: Any,
    brain: Brain,
    suppliers: Any,
    record_history: RecordHistory,
    content: bytes,
    said: str,
) -> None:
    """A feed that is not what it should be fails at the first attempt with one sentence."""
    suppliers.write("camp", suppliers.feed("camp.csv", content))
    failure = await harvests.failure("camp")
    assert failure.message.startswith("Camp: ")
    assert said in failure.message
    assert "FeedError" == failure.type
    assert {1} == set((await harvests.attempts("camp")).values())
    (run,) = await brain.list_runs(harvests.tenant_id)
    assert failure.message == run.error
    await record_history(harvests.handle("camp"), module, "unusable-feed")


async def test_wrong_request(harvests: Any, suppliers: Any, record_history: RecordHistory) -> None:
    """A payload the gateway would have refused fails the run rather than retrying for ever."""
    failure = await harvests.failure("Not a code")
    assert "supplier_code" in failure.message
    await record_history(harvests.handle("Not a code"), module, "wrong-request")


async def test_cancel(
    harvests: Any, brain: Brain, suppliers: Any, web: Any, record_history: RecordHistory
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
    harvests: Any, brain: Brain, suppliers: Any, web: Any, record_history: RecordHistory
) -> None:
    """Cancelling a harvest of all cancels the ones under way."""
    for code in ("alp", "camp"):
        suppliers.write(code, web.hang(f"/{code}.csv"), rest=QUICK_RETRY.replace("0.01", "60"))
    handle = await harvests.start("all")
    await web.asked("/alp.csv", "/camp.csv")
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, CancelledError)
    runs = await brain.list_runs(harvests.tenant_id)
    assert ["the harvest was cancelled"] * 2 == [run.error for run in runs]
    await record_history(handle, module, "all-cancelled")


async def test_a_cancellation_at_the_very_end_comes_too_late(
    harvests: Any, brain: Brain, suppliers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is stored: that is recorded, and the run completes as it would have."""
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: Any) -> None:
        began.set()
        await may_end.wait()
        await finish(*arguments)

    monkeypatch.setattr(harvester, "finish", slow)
    suppliers.csv("camp", 3)
    handle = await harvests.start("camp")
    await began.wait()
    await handle.cancel()
    while not await harvests.was_asked_to_cancel(handle):
        await asyncio.sleep(0.02)
    may_end.set()

    report = HarvestReport.model_validate((await handle.result()).payload)

    (run,) = await brain.list_runs(harvests.tenant_id)
    assert (3, RunStatus.COMPLETED) == (report.inserted, run.status)


async def test_a_worker_that_dies_is_noticed_at_every_step(harvests: Any, suppliers: Any) -> None:
    """Not only after the longest time that the step may take."""
    suppliers.csv("camp", 3)
    await (await harvests.start("all")).result()

    timeouts = await harvests.heartbeat_timeouts("all") | await harvests.heartbeat_timeouts("camp")

    assert {"list_suppliers", "start_harvest", "fetch_products", "finish_harvest"} <= set(timeouts)
    assert all(0 < seconds <= 20 for seconds in timeouts.values()), timeouts


async def test_all(
    harvests: Any, brain: Brain, suppliers: Any, record_history: RecordHistory
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
    harvests: Any, suppliers: Any, web: Any, record_history: RecordHistory
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


async def test_all_of_nothing(harvests: Any, suppliers: Any, record_history: RecordHistory) -> None:
    """Where no supplier can be harvested the run fails, with every reason."""
    assert "there are no suppliers" in (await harvests.failure("all")).message
    suppliers.write("No Code", "nowhere.csv")
    assert "SupplierError" == (await harvests.failure("all")).type
    (suppliers.folder / "No Code.toml").unlink()
    suppliers.write("torn", "nowhere.csv")
    message = (await harvests.failure("all")).message
    assert message.startswith("no supplier could be harvested: torn: Torn: the feed file")
    await record_history(harvests.handle("all"), module, "all-fail")
