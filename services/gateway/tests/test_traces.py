"""The span of a call: whose trace it is in, what it hands on, and what it tells."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
import pytest_asyncio
from gateway_calls import Caller, connected
from gateway_tokens import SECRET
from gateway_world import token
from temporalio.client import Client
from trace_collector import Collector, Seen

from contextcore import ContextUnit, worker_pb2
from contextworker.core.tracing.exporting import exporting
from contextworker.core.tracing.headers import read_headers
from contextworker.gateway.server import gateway
from contextworker.gateway.settings import GatewaySettings

START = "contextworker.WorkerService/StartWorkflow"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Where the spans of this process go, and so the gateway's."""
    with Collector() as collector, pytest.MonkeyPatch.context() as patch:
        for name, value in collector.environment.items():
            patch.setenv(name, value)
        with exporting("gateway"):
            yield collector


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guarded(temporal_client: Client) -> AsyncIterator[Caller]:
    """Call a gateway that takes tokens only."""
    settings = GatewaySettings(
        port=0,
        gateway_shutdown_grace_s=0,
        gateway_auth_secret=SECRET,
        gateway_temporal_timeout_s=20,  # Temporal answers late where the machine is busy
    )
    async with gateway(temporal_client, settings) as port, connected(port) as caller:
        yield caller


def toy(tenant_id: str = "acme", **more: str) -> ContextUnit:
    """Ask for a run that ends at once."""
    supplier = f"done-{uuid.uuid4().hex[:8]}"  # else it might join the run of another test
    payload = {"workflow_type": "toy", "supplier_code": supplier, "tenant_id": tenant_id, **more}
    return ContextUnit(payload=payload, provenance=["commerce:trigger"])


def traceparent(trace_id: str, flags: str = "01") -> tuple[tuple[str, str]]:
    """Write what a caller says of the span it is in."""
    return (("traceparent", f"00-{trace_id.replace('-', '')}-{'0' * 15}7-{flags}"),)


async def spans_of(collector: Collector, trace_id: str, number: int = 1) -> list[Seen]:
    """Wait for so many spans of a trace."""
    return await asyncio.to_thread(collector.wait_for, trace_id, lambda spans: len(spans) >= number)


async def test_a_call_is_a_span_of_its_units_trace(
    caller: Caller, toys: None, collector: Collector, temporal_client: Client
) -> None:
    """It names the tenant and what was started, and leads to the run by Temporal's header."""
    unit = toy()

    started = await caller.ask("StartWorkflow", unit)

    [span] = await spans_of(collector, unit.trace_id)
    assert (START, "", "") == (span.name, span.parent_id, span.failed_with)
    assert {
        "rpc.system": "grpc",
        "rpc.service": "contextworker.WorkerService",
        "rpc.method": "StartWorkflow",
        "rpc.grpc.status_code": 0,
        "contextworker.tenant_id": "acme",
        "contextworker.workflow_type": "toy",
    } == span.attributes
    handle = temporal_client.get_workflow_handle(started["workflow_id"], run_id=started["run_id"])
    first = (await handle.fetch_history()).events[0]
    carried = read_headers(first.workflow_execution_started_event_attributes.header.fields)
    assert carried is not None
    assert (span.trace_id, span.span_id) == (
        f"{carried.trace_id:032x}",
        f"{carried.span_id:016x}",
    )


async def test_the_callers_span_leads_to_the_gateways(
    caller: Caller, toys: None, collector: Collector
) -> None:
    """If it is of the unit's trace. The same unit sent again is a second span there."""
    unit = toy()

    for _ in range(2):
        await caller.ask("StartWorkflow", unit, metadata=traceparent(unit.trace_id))

    spans = await spans_of(collector, unit.trace_id, 2)
    assert [(START, f"{7:016x}")] * 2 == [(span.name, span.parent_id) for span in spans]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("a", id="another trace"),
        pytest.param("nonsense", id="nonsense"),
        pytest.param("", id="nothing"),
    ],
)
async def test_nobody_steers_another_trace(
    caller: Caller, toys: None, collector: Collector, sent: str
) -> None:
    """The trace is the unit's, whatever a caller says, and its flags hold there only."""
    unit, other = toy(), str(uuid.uuid4())
    metadata = traceparent(other, "00") if sent == "a" else (("traceparent", sent),)

    await caller.ask("StartWorkflow", unit, metadata=metadata)

    [span] = await spans_of(collector, unit.trace_id)
    assert ("", ()) == (span.parent_id, span.links)
    assert [] == collector.of(other)


async def test_a_trace_that_its_caller_does_not_keep(
    caller: Caller, toys: None, collector: Collector
) -> None:
    """It is not kept here, either: that is what parentbased_always_on means."""
    unkept, kept = toy(), toy()
    await caller.ask("StartWorkflow", unkept, metadata=traceparent(unkept.trace_id, "00"))

    await caller.ask("StartWorkflow", kept)

    await spans_of(collector, kept.trace_id)
    assert [] == collector.of(unkept.trace_id)


async def test_a_call_that_is_refused(caller: Caller, toys: None, collector: Collector) -> None:
    """The span tells the code and the kind of error, no value; the fault is not the gateway's."""
    unit = toy(workflow_type="s3cret")

    await caller.refused("StartWorkflow", unit)

    [span] = await spans_of(collector, unit.trace_id)
    assert ("", "UnknownWorkflowTypeError", grpc.StatusCode.NOT_FOUND.value[0]) == (
        span.failed_with,
        span.attributes["error.type"],
        span.attributes["rpc.grpc.status_code"],
    )


async def test_a_question_and_a_watch(caller: Caller, toys: None, collector: Collector) -> None:
    """Each is a call with a unit, and so a trace, of its own."""
    started = await caller.ask("StartWorkflow", toy())
    asked, watched = (ContextUnit(payload={"workflow_id": started["workflow_id"]}) for _ in "ab")

    await caller.ask("GetTaskStatus", asked)
    await caller.replies("WatchTask", watched)

    for unit, rpc in ((asked, "GetTaskStatus"), (watched, "WatchTask")):
        spans = await spans_of(collector, unit.trace_id)
        assert [f"contextworker.WorkerService/{rpc}"] == [span.name for span in spans]
        assert [0] == [span.attributes["rpc.grpc.status_code"] for span in spans]


async def test_strangers_make_no_spans(guarded: Caller, toys: None, collector: Collector) -> None:
    """Neither who brings no token, nor who sends what is no unit."""
    unit, known = toy(), toy()
    nonsense = unit.to_protobuf(worker_pb2)
    nonsense.trace_id = "nonsense"
    await guarded.refused("StartWorkflow", unit)
    await guarded.bearing(token()).refused("StartWorkflow", nonsense)

    await guarded.bearing(token()).refused("GetTaskStatus", known)

    await spans_of(collector, known.trace_id)
    assert [] == collector.of(unit.trace_id)


async def test_untraced_starts_carry_no_header(
    caller: Caller, toys: None, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is exported, Temporal is told nothing of traces."""
    monkeypatch.setattr("contextworker.core.tracing.headers.find_tracer", lambda: None)
    monkeypatch.setattr("contextworker.gateway.call_spans.find_tracer", lambda: None)

    started = await caller.ask("StartWorkflow", toy("quiet"))

    handle = temporal_client.get_workflow_handle(started["workflow_id"])
    first = (await handle.fetch_history()).events[0]
    assert {} == dict(first.workflow_execution_started_event_attributes.header.fields)
