"""What the gateway refuses: the exact status, and the details a program can act on."""

import logging
from typing import Any

import grpc
import pytest
from gateway_calls import Caller

from contextcore import ContextUnit, context_unit_pb2
from contextworker.gateway.rpcs import requests
from contextworker.gateway.runs import executing

TOY = {"workflow_type": "toy", "supplier_code": "done"}
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def nested(depth: int) -> context_unit_pb2.ContextUnit:
    """Make a message with lists in lists."""
    message = ContextUnit(payload={"workflow_type": "toy_plain"}).to_protobuf()
    value = message.payload.fields["deep"]
    for _ in range(depth):
        value = value.list_value.values.add()
    value.bool_value = True
    return message


async def test_an_unknown_workflow_type_is_not_found(caller: Caller, toys: None) -> None:
    """The known ones are named, for people and for programs."""
    refusal = await caller.refused("StartWorkflow", {"workflow_type": "harvst"})

    assert grpc.StatusCode.NOT_FOUND == refusal.code
    assert "UNKNOWN_WORKFLOW_TYPE" == refusal.reason
    assert "harvst" == refusal.metadata["workflow_type"]
    assert {"toy", "toy_plain"} <= set(refusal.metadata["known"].split(","))
    assert refusal.message.startswith("no module serves the workflow type 'harvst'; known: ")


@pytest.mark.parametrize(
    ("payload", "violations"),
    [
        ({}, {"payload.workflow_type": "is required"}),
        ({"workflow_type": 5}, {"payload.workflow_type": "must be text, not 5"}),
        (
            {"workflow_type": ""},
            {"payload.workflow_type": 'must have at least 1 character, not ""'},
        ),
        ({"workflow_type": "toy"}, {"payload.supplier_code": "is required"}),
        (
            TOY | {"suplier_code": "x", "zzz": 1},
            {
                "payload.suplier_code": (
                    "is not a field of this route; did you mean 'supplier_code'?"
                ),
                "payload.zzz": "is not a field of this route",
            },
        ),
        (
            TOY
            | {
                "supplier_code": 5,
                "limit": 0,
                "tenant_id": "../x",
                "items": [{"sku": "a", "quantity": 1}, {"quantity": -1}, "x"],
            },
            {
                "payload.supplier_code": "must be text, not 5",
                "payload.limit": "must be 1 or more, not 0",
                "payload.tenant_id": (
                    'must match the pattern ^[A-Za-z0-9][A-Za-z0-9_.-]*$, not "../x"'
                ),
                "payload.items[1].sku": "is required",
                "payload.items[1].quantity": "must be 0 or more, not -1",
                "payload.items[2]": 'must be an object, not "x"',
            },
        ),
        (TOY | {"limit": "many"}, {"payload.limit": 'must be a whole number, not "many"'}),
        (
            {"workflow_type": "toy_plain", "tenant_id": None},
            {"payload.tenant_id": "must be text, not null"},
        ),
    ],
)  # fmt: skip
async def test_every_wrong_field_is_one_violation(
    caller: Caller, toys: None, payload: dict[str, Any], violations: dict[str, str]
) -> None:
    """All problems come at once, each with the path to it and a sentence."""
    refusal = await caller.refused("StartWorkflow", payload)

    assert INVALID == refusal.code
    assert violations == refusal.violations
    assert "INVALID_REQUEST" == refusal.reason


@pytest.mark.parametrize("rpc", ["StartWorkflow", "GetTaskStatus", "ListModules", "ExecuteCode"])
async def test_what_is_no_unit_is_refused_by_every_call(caller: Caller, rpc: str) -> None:
    """The envelope's own fields are named: ids, and numbers that are none."""
    message = context_unit_pb2.ContextUnit(unit_id="42", trace_id="")
    message.payload.fields["price"].number_value = float("nan")

    refusal = await caller.refused(rpc, message)

    assert INVALID == refusal.code
    assert {"unit_id", "trace_id", "payload.price"} == set(refusal.violations)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff\xffno unit", id="no message"),
        # Named, because its ids are random and processes have to collect the same tests.
        pytest.param(nested(49).SerializeToString(), id="too deep"),
    ],
)
async def test_bytes_that_cannot_be_read_are_the_callers_fault(caller: Caller, data: bytes) -> None:
    """GRPC would say UNKNOWN, and log a traceback."""
    call: Any = caller.channel.unary_unary("/contextworker.WorkerService/StartWorkflow")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(data, timeout=20)

    assert INVALID == refused.value.code()
    assert "request cannot be read: " in (refused.value.details() or "")


async def test_what_is_nested_too_deep_to_travel_on_is_refused(caller: Caller, toys: None) -> None:
    """It came in, but Temporal would not get it back out."""
    refusal = await caller.refused("StartWorkflow", nested(40))

    assert INVALID == refusal.code
    assert ["is nested more than 32 deep"] == list(refusal.violations.values())


@pytest.mark.parametrize(
    "payload",
    [
        TOY | {f"field_{number}": number for number in range(10_000)},
        TOY | {"ключ" * 30_000: 1},
        {"workflow_type": "😀" * 900},
        {"workflow_type": "x" * 100_000},
    ],
    ids=["many problems", "a long field", "a long name", "a very long name"],
)
async def test_a_refusal_fits_what_clients_accept(
    caller: Caller, toys: None, payload: dict[str, Any]
) -> None:
    """A client drops a status beyond 8 KiB, and would only hear of exhausted resources."""
    refusal = await caller.refused("StartWorkflow", payload)

    assert refusal.code in (INVALID, grpc.StatusCode.NOT_FOUND)
    assert refusal.reason


async def test_problems_that_find_no_room_are_counted(caller: Caller, toys: None) -> None:
    """So that nobody thinks that a hundred were all."""
    payload = TOY | {f"field_{number}": number for number in range(1_000)}

    refusal = await caller.refused("StartWorkflow", payload)

    *named, rest = refusal.violations.items()
    assert ("payload", f"has {1_000 - len(named)} more problems") == rest


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        ({}, ["payload.workflow_id"]),
        ({"workflow_id": ""}, ["payload.workflow_id"]),
        ({"workflow_id": 7, "run": "x"}, ["payload.run", "payload.workflow_id"]),
        ({"workflow_id": "x", "run_id": "nonsense"}, ["payload.run_id"]),
        ({"workflow_id": "x" * 1001}, ["payload.workflow_id"]),
    ],
)
async def test_a_status_request_is_checked_as_well(
    caller: Caller, payload: dict[str, Any], fields: list[str]
) -> None:
    """The same violations, by the same words."""
    refusal = await caller.refused("GetTaskStatus", payload)

    assert INVALID == refusal.code
    assert fields == sorted(refusal.violations)


@pytest.mark.parametrize("run_id", [None, "01a202e1-c3f7-734d-a8fd-30eef4deb168"])
async def test_an_unknown_run_is_not_found(caller: Caller, run_id: str | None) -> None:
    """Also one whose id has the right form."""
    payload = {"workflow_id": "harvest-x-y"} | ({"run_id": run_id} if run_id else {})

    refusal = await caller.refused("GetTaskStatus", payload)

    assert grpc.StatusCode.NOT_FOUND == refusal.code
    assert ("RUN_NOT_FOUND", {"workflow_id": "harvest-x-y"}) == (refusal.reason, refusal.metadata)


async def test_code_that_nobody_runs_is_not_offered(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No module announces that it would, and the answer says so."""
    monkeypatch.setattr(executing, "EXECUTE_CODE", "execute_code_of_nobody")

    refusal = await caller.refused("ExecuteCode", {"code": "1 + 1"})

    assert grpc.StatusCode.UNIMPLEMENTED == refusal.code
    assert "NOT_OFFERED" == refusal.reason
    assert "this installation runs no code: no module announces the workflow type " in (
        refusal.message
    )


async def test_a_payload_beyond_what_a_run_takes_is_refused(caller: Caller, toys: None) -> None:
    """Temporal would refuse it in words nobody understands."""
    payload = {"workflow_type": "toy_plain", "text": "x" * (2 * 1024 * 1024)}

    refusal = await caller.refused("StartWorkflow", payload)

    assert INVALID == refusal.code
    assert "is 2.0 MiB as a run's input, which holds 2 MiB" in refusal.violations["payload"]


async def test_a_message_beyond_the_limit_is_refused(caller: Caller) -> None:
    """GRPC itself stops it, before it is read."""
    refusal = await caller.refused("StartWorkflow", {"text": "x" * (5 * 1024 * 1024)})

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == refusal.code
    assert "larger than max" in refusal.message


async def test_a_caller_out_of_time_is_told_so(caller: Caller) -> None:
    """The deadline is the caller's, not Temporal's trouble."""
    refusal = await caller.refused("ListModules", {}, timeout=0.001)

    assert grpc.StatusCode.DEADLINE_EXCEEDED == refusal.code


async def test_a_fault_of_the_gateways_own_is_masked(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller gets an id, the log has the traceback under it, and no secret gets out."""

    def broken(self: ContextUnit, *_: object, **__: object) -> ContextUnit:
        raise KeyError("password=hunter2")

    monkeypatch.setattr(requests, "check", broken)

    with caplog.at_level(logging.ERROR):
        refusal = await caller.refused("GetTaskStatus", {"workflow_id": "x"})

    assert (grpc.StatusCode.INTERNAL, "INTERNAL") == (refusal.code, refusal.reason)
    assert "hunter2" not in str(refusal)
    gateways = [item for item in caplog.records if item.name.startswith("contextworker.gateway")]
    [record] = [item for item in gateways if item.exc_info]
    assert refusal.metadata["incident"] in record.getMessage()
    assert refusal.metadata["incident"] in refusal.message
    assert "hunter2" in str(record.exc_info)
