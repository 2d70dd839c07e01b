"""Payloads that nobody should send, and some that are nearly right, so that they get far."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway_contract import RPCS
from google.protobuf.struct_pb2 import Value
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from contextcore import context_unit_pb2

UNIT_ID = "1b4e28ba-2fa1-4d2b-883f-0016d3cca427"
TRACE_ID = "6fa459ea-ee8a-4ca4-894e-db77e160355e"

Fields = Mapping[str, SearchStrategy[Any]]

_ODD_TEXTS = (
    "",
    "\0",
    "a\nb",
    "..",
    "%2D%00",
    "'\"`;--",
    "\u202e\ufeff\uffff",
    "😀" * 300,
    "x" * 999,
    "x" * 1001,
    "x" * 70_000,
    "é" * 700,
    "null",
    "9" * 400,
)
texts = st.one_of(st.text(max_size=12), st.sampled_from(_ODD_TEXTS))
_numbers = st.one_of(
    st.floats(),
    st.integers(-3, 2000).map(float),
    st.sampled_from([2.0**53, 2.0**53 + 2, -(2.0**63), 1e308, 5e-324, -0.0]),
)
_NO_KIND = object()
_leaves = st.one_of(st.none(), st.booleans(), _numbers, texts, st.sampled_from([_NO_KIND, [], {}]))
values: SearchStrategy[Any] = st.recursive(
    _leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)

_TYPES = (*["toy", "toy_plain"] * 8, "harvst")
_SCHEDULES = ("nightly", "weekly", "nothing")
_TIMES = (
    "2026-01-01T00:00:00Z",
    "2026-01-03T00:00:00+14:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "2026-02-30T00:00:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01",
    "20260101T000000Z",
    "2026-W01-1",
    "1969-12-31T23:59:59.999999999Z",
    "2262-04-12T00:00:00Z",
)
_CRONS = (
    "0 3 * * *",
    "* * * * * * *",
    "@every 1s",
    "@daily",
    "CRON_TZ=Nowhere/Else 0 0 * * *",
    "60 24 32 13 8",
    "*/0 * * * *",
    "0 0 31 2 *",
    "@every 9999999999h",
    "# comment",
    "1-99999999999999999999 * * * *",
    "0 0 * * * " * 50,
)
_ZONES = ("Europe/Berlin", "UTC", "Local", "../etc/passwd", "+25:00", "")
_OVERLAPS = ("skip", "buffer_one", "buffer_all", "allow_all", "cancel_other", "SKIP")


def _mostly(sound: Sequence[Any], odd: SearchStrategy[Any] = texts) -> SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda one: odd if one == 7 else st.sampled_from(sound))


_schedule: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "schedule_id": _mostly(_SCHEDULES),
        "workflow_type": _mostly(_TYPES),
        "cron": _mostly(_CRONS[:1], st.sampled_from(_CRONS) | texts),
        "payload": _mostly([{"supplier_code": "done"}, {}], values),
    },
    optional={
        "timezone": _mostly(_ZONES[:1], st.sampled_from(_ZONES) | texts),
        "overlap": _mostly(_OVERLAPS[:-1], values),
        "paused": _mostly([True, False], values),
    },
)


def fields_of(workflow_ids: Sequence[str], tokens: Sequence[str]) -> Fields:
    """Say what each field of any call may hold, right or odd.

    Args:
        workflow_ids: Of runs that are there.
        tokens: Page tokens that were given.
    """
    odd_times = st.sampled_from(_TIMES) | texts
    return {
        "workflow_type": _mostly(_TYPES),
        "tenant_id": _mostly(["acme", "acme", "default"], st.sampled_from(["a\n", "x" * 65, "*"])),
        "workflow_id": _mostly(workflow_ids, st.text(max_size=1100)),
        "run_id": _mostly([UNIT_ID, "0" * 8 + UNIT_ID[8:]]),
        "supplier_code": _mostly(["done", "bug", "again", "x" * 40]),
        "returns": _mostly(["text", "much", "bytes", "none"], values),
        "limit": _mostly([1.0, 7.0], _numbers),
        "items": st.lists(
            st.fixed_dictionaries({"sku": texts, "quantity": _mostly([0.0, 3.0], _numbers)}),
            max_size=3,
        ),
        "code": _mostly(["1 + 1", "again", "rights", "fail", "plain"]),
        "language": _mostly(["python"]),
        "timeout": _mostly([2.5, 60.0], _numbers),
        "inputs": _mostly([{}, {"x": [1.0, None]}], values),
        "reason": texts,
        "note": texts,
        "status": _mostly(["running", "completed", "failed", "cancelled"]),
        "started_after": _mostly(_TIMES[:1], odd_times),
        "started_before": _mostly(_TIMES[:2], odd_times),
        "page_size": _mostly([1.0, 2.0, 100.0], _numbers),
        "page_token": _mostly(tokens, st.binary(max_size=60).map(bytes.hex) | texts),
        "schedules": st.lists(_schedule, max_size=3),
        "schedule_id": _mostly(_SCHEDULES),
        "start_at": _mostly(_TIMES[:1], odd_times),
        "end_at": _mostly(_TIMES[1:2], odd_times),
        "overlap": _mostly(_OVERLAPS[:-1]),
    }


_TAKES = {
    "StartWorkflow": "workflow_type tenant_id supplier_code returns limit items",
    "GetTaskStatus": "workflow_id run_id tenant_id",
    "ExecuteCode": "code language timeout inputs tenant_id",
    "ListModules": "",
    "WatchTask": "workflow_id run_id tenant_id",
    "CancelTask": "workflow_id run_id tenant_id reason",
    "ListTasks": "workflow_type status started_after started_before tenant_id page_size page_token",
    "RegisterSchedules": "schedules tenant_id",
    "ListSchedules": "tenant_id page_size page_token",
    "PauseSchedule": "schedule_id tenant_id note",
    "ResumeSchedule": "schedule_id tenant_id note",
    "TriggerSchedule": "schedule_id tenant_id overlap",
    "BackfillSchedule": "schedule_id start_at end_at tenant_id overlap",
    "DeleteSchedule": "schedule_id tenant_id",
}
assert set(_TAKES) == set(RPCS)


def _put(value: Value, content: Any) -> None:
    match content:
        case None:
            value.null_value = 0  # type: ignore[assignment] # NULL_VALUE, the only one
        case bool():
            value.bool_value = content
        case float() | int():
            value.number_value = content
        case str():
            value.string_value = content
        case list():
            value.list_value.SetInParent()
            for item in content:
                _put(value.list_value.values.add(), item)
        case dict():
            value.struct_value.SetInParent()
            for key, item in content.items():
                _put(value.struct_value.fields[key], item)


def message_of(payload: dict[str, Any]) -> context_unit_pb2.ContextUnit:
    """Make a unit of a payload that need not be one."""
    message = context_unit_pb2.ContextUnit(unit_id=UNIT_ID, trace_id=TRACE_ID)
    for key, item in payload.items():
        _put(message.payload.fields[key], item)
    return message


@st.composite
def payloads(draw: DrawFn, rpc: str, fields: Fields) -> dict[str, Any]:
    """Mostly what the call takes, each field right or odd; so that some of it gets far."""
    payload = {
        name: draw(fields[name])
        for name in _TAKES[rpc].split()
        if name in ("workflow_type", "workflow_id", "schedule_id", "schedules", "cron")
        or draw(st.booleans())
    }
    if draw(st.integers(0, 9)) == 7:
        payload |= draw(
            st.dictionaries(texts | st.sampled_from(sorted(fields)), values, max_size=3)
        )
    return payload


@st.composite
def trees(draw: DrawFn, payload: dict[str, Any]) -> bytes:
    """A payload as deep or as large as a message may be, or a little more."""
    size = 2 ** draw(st.integers(4, 22))
    depth = draw(st.integers(1, 110))
    shape = draw(st.sampled_from(["wide", "keys", "string", "lists", "objects", "both", "nulls"]))
    content: Any = "leaf"
    match shape:
        case "wide":
            content = [0.5] * min(size // 11, 100_000)
        case "keys":
            content = {f"key{number}": None for number in range(min(size // 20, 50_000))}
        case "string":
            content = "é" * (size // 2)
        case "nulls":
            content = [_NO_KIND] * min(size // 2, 50_000)
        case _:
            width = max(1, min(size // (depth * 8), 1000))
            for level in range(depth):
                as_list = shape == "lists" or (shape == "both" and level % 2)
                content = [content] if as_list else {"k": content}
            content = [content] * width
    name = draw(st.sampled_from(["items", "payload", "x", "workflow_id", "schedules"]))
    return message_of(payload | {name: content}).SerializeToString()
