"""Calls to a gateway and what comes of failures; the gateway is a server on loopback."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # has none
from grpc import aio

from contextcore import ContextUnit, context_unit_pb2, worker_pb2_grpc
from contextworker.cli.client.follow import follow
from contextworker.cli.client.gateway import GatewayClient
from contextworker.cli.client.replies import TaskStatus
from contextworker.cli.errors import GatewayError, NoGatewayError, StalledError, UsageError

Answer = dict[str, Any] | tuple[grpc.StatusCode, str, list[Any]]


class Scripted(worker_pb2_grpc.WorkerServiceServicer):
    """Answers with what the test laid out, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[dict[str, Any]] = []

    async def StartWorkflow(self, request: Any, context: Any) -> Any:  # noqa: N802 - the wire's
        return await self._answer(request, context)

    async def GetTaskStatus(self, request: Any, context: Any) -> Any:  # noqa: N802 - the wire's
        return await self._answer(request, context)

    async def ListModules(self, request: Any, context: Any) -> Any:  # noqa: N802 - the wire's
        return await self._answer(request, context)

    async def ExecuteCode(self, request: Any, context: Any) -> Any:  # noqa: N802 - the wire's
        return await self._answer(request, context)

    async def _answer(self, request: Any, context: Any) -> Any:
        unit = ContextUnit.from_protobuf(request)
        self.asked.append(unit.payload)
        answer = self.answers.pop(0)
        if isinstance(answer, dict):
            return unit.child(answer, provenance="test:answer").to_protobuf(context_unit_pb2)
        code, message, details = answer
        await context.abort(code, message, _rich(code, message, details))
        raise AssertionError("abort raises")


def _rich(code: grpc.StatusCode, message: str, details: list[Any]) -> tuple[tuple[str, bytes], ...]:
    if not details:
        return ()
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


class Notes:
    """A view that keeps everything."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.notes: list[str] = []

    def show(self, status: TaskStatus) -> None:
        self.shown.append(status.status)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[Scripted, GatewayClient]]:
    """A gateway on loopback and a client of it."""
    servicer, server = Scripted(), aio.server()
    worker_pb2_grpc.add_WorkerServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with GatewayClient(f"127.0.0.1:{port}") as client:
        yield servicer, client
    await server.stop(None)


Gateway = tuple[Scripted, GatewayClient]


async def test_start_sends_the_payload_and_reads_the_reply(gateway: Gateway) -> None:
    """A start is one unit out and one back."""
    servicer, client = gateway
    servicer.answers = [{"workflow_id": "w", "run_id": "r", "status": "started", "more": 1}]
    started = await client.start({"workflow_type": "harvest", "n": 5})
    assert [{"workflow_type": "harvest", "n": 5}] == servicer.asked
    expected = {"workflow_id": "w", "run_id": "r", "status": "started", "more": 1}
    assert expected == started.dump()


async def test_each_field_violation_is_a_line(gateway: Gateway) -> None:
    """A refused payload says which fields are wrong, one a line."""
    servicer, client = gateway
    violation = error_details_pb2.BadRequest.FieldViolation
    bad = error_details_pb2.BadRequest(
        field_violations=[
            violation(field="payload.a", description="is required"),
            violation(field="payload.b", description="is no number"),
        ]
    )
    servicer.answers = [(grpc.StatusCode.INVALID_ARGUMENT, "a is required; b is no number", [bad])]
    with pytest.raises(GatewayError) as caught:
        await client.start({"workflow_type": "harvest"})
    assert ("payload.a: is required", "payload.b: is no number") == caught.value.details


async def test_the_gateways_sentence_and_its_advice_are_shown(gateway: Gateway) -> None:
    """What the gateway wrote is what the person reads, with when to try again."""
    servicer, client = gateway
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(2500)
    servicer.answers = [(grpc.StatusCode.UNAVAILABLE, "Temporal does not answer", [retry])]
    with pytest.raises(GatewayError) as caught:
        await client.modules()
    assert "Temporal does not answer" == str(caught.value)
    assert ("Try again in 2.5 s.",) == caught.value.details


async def test_nobody_at_the_address_is_said_with_a_way_out(tmp_path: Any) -> None:
    """No server: the sentence says how to start one."""
    async with GatewayClient("127.0.0.1:1") as client:
        with pytest.raises(NoGatewayError, match=r"No gateway answers at 127\.0\.0\.1:1\.") as e:
            await client.status("w")
    assert "contextworker up" in "\n".join(e.value.details)


async def test_a_payload_that_cannot_travel_is_refused_before_it_is_sent(gateway: Gateway) -> None:
    """An integer beyond the wire's doubles is named, and nothing is sent."""
    servicer, client = gateway
    with pytest.raises(UsageError, match=r"payload\.n"):
        await client.start({"workflow_type": "harvest", "n": 2**60})
    assert [] == servicer.asked


async def test_following_ends_when_the_workflow_closes(gateway: Gateway) -> None:
    """Every state is shown, and the last one returned."""
    servicer, client = gateway
    states = ["queued", "running", "failed"]
    servicer.answers = [{"status": state} for state in states]
    view = Notes()
    last = await follow(client, "w", view)
    assert states == view.shown
    assert "failed" == last.status


async def test_following_outlives_an_outage(gateway: Gateway) -> None:
    """An outage is said once when it begins and once when it ends."""
    servicer, client = gateway
    down: Callable[[], Answer] = lambda: (grpc.StatusCode.UNAVAILABLE, "away", [])  # noqa: E731 - a fresh one each
    servicer.answers = [{"status": "running"}, down(), down(), {"status": "completed"}]
    view = Notes()
    last = await follow(client, "w", view)
    assert "completed" == last.status
    assert 2 == len(view.notes)


async def test_following_gives_up_where_it_never_began(gateway: Gateway) -> None:
    """A gateway that did not answer even once is an error, not a wait."""
    servicer, client = gateway
    servicer.answers = [(grpc.StatusCode.UNAVAILABLE, "away", []), {"status": "completed"}]
    with pytest.raises(NoGatewayError):
        await follow(client, "w", Notes())


async def test_following_ends_with_an_answer_that_will_not_change(gateway: Gateway) -> None:
    """A workflow that is gone is not asked for again and again."""
    servicer, client = gateway
    servicer.answers = [{"status": "running"}, (grpc.StatusCode.NOT_FOUND, "no such run", [])]
    with pytest.raises(GatewayError, match="no such run"):
        await follow(client, "w", Notes())


async def test_a_workflow_that_stands_still_is_reported(gateway: Gateway) -> None:
    """A run whose worker cannot take a step does not hold a demo up for ever."""
    servicer, client = gateway
    servicer.answers = [{"status": "running"}, {"status": "running"}, {"status": "completed"}]
    with pytest.raises(StalledError, match="The workflow w stands still: running"):
        await follow(client, "w", Notes(), stalled_after_s=0)


async def test_a_workflow_that_moves_is_not_taken_for_one_that_stands_still(
    gateway: Gateway,
) -> None:
    """Any change, such as progress, starts the wait anew."""
    servicer, client = gateway
    moving: list[Answer] = [
        {"status": "running", "progress": {"stage": "storing", "done": done}} for done in (1, 2)
    ]
    servicer.answers = [*moving, {"status": "completed"}]
    last = await follow(client, "w", Notes(), stalled_after_s=0)
    assert "completed" == last.status


async def test_another_kind_of_server_is_told_from_a_gateway() -> None:
    """Temporal's own port is an easy mistake."""
    server = aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with GatewayClient(f"127.0.0.1:{port}") as client:
        with pytest.raises(GatewayError, match=f"What answers at 127.0.0.1:{port} is no gateway"):
            await client.modules()
    await server.stop(None)
