"""Spans of runs and activities, made by workers that replay each run at every step."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import pytest_asyncio
from opentelemetry.trace import SpanContext, TraceFlags
from temporalio.api.common.v1 import Header, Payloads, WorkflowExecution, WorkflowType
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import QueryWorkflowRequest, StartWorkflowExecutionRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.worker import Replayer, Worker
from trace_collector import Collector, Seen, roots, tree
from traced_toys import TracedToyWorkflow, step, step_in_a_thread

from contextcore import ContextUnit
from contextworker.core.connection import connect
from contextworker.core.plugin import ContextPlugin
from contextworker.core.scheduled import REGISTERED
from contextworker.core.testing import TemporalServer
from contextworker.core.tracing.exporting import exporting
from contextworker.core.tracing.headers import HEADER, payload_of
from contextworker.core.tracing.interceptor import TracingInterceptor, interceptors

QUEUE = "traced-tasks"
RUN = "RunWorkflow:traced-toy"
SPAN = 7
Handle = WorkflowHandle[Any, Any]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Where the spans go."""
    with Collector() as collector, pytest.MonkeyPatch.context() as patch:
        for name, value in collector.environment.items():
            patch.setenv(name, value)
        with exporting("tests"):
            yield collector


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(temporal: TemporalServer, collector: Collector) -> AsyncIterator[Client]:
    """A client beside a worker that keeps no run in memory."""
    client = await connect(environment=temporal.environment, interceptors=interceptors())
    with ThreadPoolExecutor(2) as threads:
        async with Worker(
            client,
            task_queue=QUEUE,
            workflows=[TracedToyWorkflow],
            activities=[step, step_in_a_thread],
            activity_executor=threads,
            max_cached_workflows=0,
        ):
            yield client


async def begin(client: Client, **payload: Any) -> tuple[str, Handle]:
    """Start a run without a header, as past the gateway; returns its unit's trace."""
    unit = ContextUnit(payload=payload)
    handle: Handle = await client.start_workflow(
        "traced-toy", unit, id=f"traced%2Dtoy-acme-{unit.unit_id}", task_queue=QUEUE
    )
    return unit.trace_id, handle


def span_of(unit: ContextUnit, *, sampled: bool = True) -> SpanContext:
    """Return the context of a span of whoever starts something, in a unit's trace."""
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return SpanContext(uuid.UUID(unit.trace_id).int, SPAN, is_remote=True, trace_flags=flags)


def header(context: SpanContext) -> Header:
    """Return the header that the gateway writes."""
    return Header(fields={HEADER: payload_of(context)})


async def begin_within(client: Client, unit: ContextUnit, outer: SpanContext) -> None:
    """Start a run as the gateway does, and wait for its end."""
    await client.workflow_service.start_workflow_execution(
        StartWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_id=unit.unit_id,
            workflow_type=WorkflowType(name="traced-toy"),
            task_queue=TaskQueue(name=QUEUE),
            input=Payloads(payloads=await client.data_converter.encode([unit])),
            request_id=unit.unit_id,
            header=header(outer),
        )
    )
    await client.get_workflow_handle(unit.unit_id).result()


def named(spans: list[Seen]) -> list[str]:
    """Return the names, sorted."""
    return sorted(span.name for span in spans)


async def test_each_run_and_attempt_is_one_span(client: Client, collector: Collector) -> None:
    """However often the run is replayed; the run's own leads to all of them."""
    trace_id, handle = await begin(client, steps=["a", "flaky"], thread=True, local=True)
    await handle.result()

    spans = await asyncio.to_thread(collector.wait_for_names, trace_id, RUN)

    assert [
        "RunActivity:step",  # a
        "RunActivity:step",  # flaky, which fails
        "RunActivity:step",  # flaky again
        "RunActivity:step",  # local
        "RunActivity:step_in_a_thread",
        RUN,
    ] == named(spans)
    assert [RUN] == roots(spans), tree(spans)
    assert ["Flaky"] == [span.failed_with for span in spans if span.failed_with]
    assert not any(b"s3cret" in raw for raw in collector.raw)
    [run] = [span for span in spans if span.name == RUN]
    assert {
        "contextworker.tenant_id": "acme",
        "contextworker.workflow_type": "traced-toy",
        "contextworker.module": "traced",
        "contextworker.attempt": 1,
        "temporalWorkflowID": handle.id,
        "temporalRunID": handle.result_run_id,
    } == run.attributes
    assert run.began_at < run.ended_at
    assert all(run.began_at <= span.began_at <= span.ended_at <= run.ended_at for span in spans)


async def test_children_and_runs_that_follow_are_in_the_trace(
    client: Client, collector: Collector
) -> None:
    """A run that continues as new leads to the next one."""
    trace_id, handle = await begin(client, steps=["a"], child=True, runs=2)
    await handle.result()

    spans = await asyncio.to_thread(
        collector.wait_for, trace_id, lambda spans: 6 == named(spans).count(RUN)
    )

    [first] = [span for span in spans if span.name == RUN and not span.parent_id]
    assert [RUN] == roots(spans), tree(spans)
    assert 6 == named(spans).count("RunActivity:step")
    assert 3 == sum(span.parent_id == first.span_id for span in spans if span.name == RUN)
    assert [] == [span.failed_with for span in spans if span.failed_with]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        pytest.param("Broken", {"steps": ["broken"]}, id="failed"),
        pytest.param("Cancelled", {"wait": True}, id="cancelled"),
    ],
)
async def test_how_a_run_failed(
    client: Client, collector: Collector, kind: str, payload: dict[str, Any]
) -> None:
    """Its span says with what, by type."""
    trace_id, handle = await begin(client, **payload)
    if kind == "Cancelled":
        await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()

    spans = await asyncio.to_thread(collector.wait_for_names, trace_id, RUN)

    [run] = [span for span in spans if span.name == RUN]
    assert run.failed_with == ("ActivityError" if kind == "Broken" else kind)
    assert [RUN] == roots(spans)


async def test_a_scheduled_run_has_a_trace_of_its_own(client: Client, collector: Collector) -> None:
    """The unit's that it is given, not of the one that its schedule keeps."""
    kept = ContextUnit(payload={"steps": ["a"]}, provenance=[REGISTERED])
    action = ScheduleActionStartWorkflow(
        "traced-toy", kept, id=f"traced-{kept.unit_id}", task_queue=QUEUE
    )
    handle = await client.create_schedule(
        f"traced-{kept.unit_id}", Schedule(action=action, spec=ScheduleSpec())
    )
    await handle.trigger()
    async with asyncio.timeout(60):
        while not (recent := (await handle.describe()).info.recent_actions):
            await asyncio.sleep(0.05)
    run: Any = recent[-1].action
    answer: ContextUnit = await client.get_workflow_handle(
        run.workflow_id, result_type=ContextUnit
    ).result()
    await handle.delete()

    spans = await asyncio.to_thread(collector.wait_for_names, answer.trace_id, RUN)

    assert ["RunActivity:step", RUN] == named(spans)
    assert [RUN] == roots(spans)
    assert [] == collector.of(kept.trace_id)


async def test_a_header_of_the_units_trace_leads_to_the_run(
    client: Client, collector: Collector
) -> None:
    """So it is for the run that follows as well. A header of another trace is a link."""
    own, theirs = ContextUnit(payload={"runs": 1}), ContextUnit()
    for unit in (own, theirs):
        await begin_within(client, unit, span_of(own))

    both = await asyncio.to_thread(collector.wait_for, own.trace_id, lambda spans: 2 == len(spans))
    [linked] = await asyncio.to_thread(collector.wait_for_names, theirs.trace_id, RUN)

    assert {f"{SPAN:016x}"} == {span.parent_id for span in both}
    assert ("", (own.trace_id.replace("-", ""),)) == (linked.parent_id, linked.links)


async def test_a_trace_that_is_not_kept_stays_so(client: Client, collector: Collector) -> None:
    """Whoever began it decided for every run and activity of it."""
    unit, kept = ContextUnit(payload={"steps": ["a"], "child": True}), ContextUnit()
    await begin_within(client, unit, span_of(unit, sampled=False))
    await begin_within(client, kept, span_of(kept))

    await asyncio.to_thread(collector.wait_for_names, kept.trace_id, RUN)

    assert [] == collector.of(unit.trace_id)


async def test_an_answer_is_in_the_trace_of_who_asks(client: Client, collector: Collector) -> None:
    """The run's own trace has nothing to do with it."""
    _, handle = await begin(client, wait=True)
    asking = ContextUnit()

    await client.workflow_service.query_workflow(
        QueryWorkflowRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=handle.id),
            query=WorkflowQuery(query_type="progress", header=header(span_of(asking))),
        )
    )
    await handle.query("progress")

    [span] = await asyncio.to_thread(
        collector.wait_for_names, asking.trace_id, "HandleQuery:progress"
    )
    assert f"{SPAN:016x}" == span.parent_id
    assert 1 == [one.name for one in collector.received].count("HandleQuery:progress")
    await handle.signal("finish")
    await handle.result()


async def test_recorded_runs_replay_with_and_without(client: Client, collector: Collector) -> None:
    """And make no spans by it."""
    trace_id, handle = await begin(client, steps=["a"], runs=1, child=True, local=True)
    await handle.result()
    await asyncio.to_thread(
        collector.wait_for, trace_id, lambda spans: 4 == named(spans).count(RUN)
    )
    before = len(collector.received)

    history = await handle.fetch_history()
    for surrounded in ([TracingInterceptor()], []):
        replayer = Replayer(
            workflows=[TracedToyWorkflow], plugins=[ContextPlugin(interceptors=surrounded)]
        )
        assert (await replayer.replay_workflow(history)).replay_failure is None

    other, handle = await begin(client)
    await handle.result()
    await asyncio.to_thread(collector.wait_for_names, other, RUN)
    assert before + 1 == len(collector.received)
