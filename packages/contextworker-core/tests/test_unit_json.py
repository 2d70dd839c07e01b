"""Units as protobuf JSON: what Google's own code would write, and whatever it would read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import example, given
from hypothesis import strategies as st

from contextcore import (
    ContextUnit,
    CotStep,
    Modality,
    SecurityScopes,
    UnitError,
    UnitMetrics,
    context_unit_pb2,
)
from contextworker.core import unit_json
from contextworker.core.unit_json import read_unit, write_unit

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_times = st.datetimes(timezones=st.just(UTC))
_floats = st.floats(allow_nan=False, allow_infinity=False)
_trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _floats | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=10,
)
units = st.builds(
    ContextUnit,
    parent_unit_id=st.none() | st.uuids(version=4).map(str),
    modality=st.sampled_from(Modality),
    payload=st.dictionaries(_text, _trees, max_size=4),
    provenance=st.lists(_text, max_size=3),
    chain_of_thought=st.lists(
        st.builds(CotStep, agent=_text, action=_text, status=_text, timestamp=_times), max_size=2
    ),
    metrics=st.builds(
        UnitMetrics,
        latency_ms=st.integers(-(2**63), 2**63 - 1),
        cost_usd=_floats,
        tokens_used=st.integers(-(2**31), 2**31 - 1),
        cost_limit_usd=_floats,
    ),
    security=st.builds(
        SecurityScopes, read=st.lists(_text, max_size=2), write=st.lists(_text, max_size=2)
    ),
    created_at=_times,
)


@pytest.fixture
def never_unusual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a unit is left to json_format."""

    def refuse(_data: bytes) -> ContextUnit:
        pytest.fail("left to json_format")

    monkeypatch.setattr(unit_json, "_read_any_spelling", refuse)


@given(unit=units)
@example(unit=ContextUnit(metrics=UnitMetrics(cost_usd=-0.0, cost_limit_usd=-0.0)))
def test_it_writes_what_json_format_writes(unit: ContextUnit) -> None:
    """Names, enums, times, 64-bit integers in quotes, defaults left out: all to the letter."""
    theirs = json_format.MessageToDict(unit.to_protobuf())

    assert theirs == json.loads(write_unit(unit))
    assert list(theirs) == list(json.loads(write_unit(unit)))


@given(unit=units)
def test_it_reads_what_it_and_json_format_write(unit: ContextUnit) -> None:
    """Exactly, numbers' types included, also what an earlier release has stored."""
    sent = ContextUnit.from_protobuf(unit.to_protobuf())
    stored = json_format.MessageToJson(unit.to_protobuf(), indent=None, ensure_ascii=False)

    for data in (write_unit(unit), stored.encode()):
        received = read_unit(data)
        assert sent == received
        assert json.dumps(sent.payload, sort_keys=True) == json.dumps(
            received.payload, sort_keys=True
        )


@pytest.mark.usefixtures("never_unusual")
def test_what_is_usual_is_read_directly() -> None:
    """Neither what this writes nor what protobuf's other libraries write takes the slow way."""
    unit = ContextUnit(
        parent_unit_id=ContextUnit().unit_id,
        modality=Modality.IMAGE,
        payload={"price": 129.95, "rows": 3, "none": None},
        provenance=["commerce:trigger"],
        chain_of_thought=[CotStep(agent="planner", timestamp=datetime(1, 1, 1, tzinfo=UTC))],
        metrics=UnitMetrics(latency_ms=-(2**63), cost_usd=0.25, tokens_used=7),
        security=SecurityScopes(read=["catalogue:read"]),
    )

    assert unit == read_unit(write_unit(unit))
    assert unit == read_unit(json_format.MessageToJson(unit.to_protobuf()).encode())


def _spelt(**changes: Any) -> dict[str, Any]:
    unit = ContextUnit(unit_id=ContextUnit().unit_id, payload={"a": 1}, provenance=["a:b"])
    content = json_format.MessageToDict(unit.to_protobuf()) | changes
    return {name: value for name, value in content.items() if value != "left out"}


@pytest.mark.parametrize(
    "content",
    [
        _spelt(createdAt="2026-07-01T12:00:00.123456789Z"),
        _spelt(createdAt="2026-07-01T12:00:00+03:00"),
        _spelt(createdAt="left out", created_at="2026-07-01T12:00:00Z"),
        _spelt(modality=3),
        _spelt(modality="MODALITY_OF_TOMORROW"),
        _spelt(metrics={"latencyMs": 5, "costUsd": "0.5", "tokensUsed": 7.0}),
        _spelt(metrics={"latencyMs": "1e3", "tokensUsed": "12"}),
        _spelt(metrics=None, security=None, provenance=None, parentUnitId=None, payload=None),
        _spelt(chainOfThought=[{"agent": "planner", "timestamp": "2026-07-01T12:00:00.5Z"}]),
        _spelt(parentUnitId=""),
        _spelt(fieldOfTomorrow={"a": [1]}),
        _spelt(security={"read": ["a"], "delete": ["b"]}),
        _spelt(payload={"large": 10**300, "beyond": 2**53 + 1, "whole": 2.0}),
        _spelt(payload={"deep": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}),
    ],
    ids=[
        "nanoseconds",
        "offset",
        "original-name",
        "enum-number",
        "enum-of-tomorrow",
        "quoted-numbers",
        "exponent",
        "nulls",
        "one-digit-fraction",
        "empty-parent",
        "field-of-tomorrow",
        "nested-field-of-tomorrow",
        "numbers",
        "deep",
    ],
)
def test_it_reads_any_spelling_that_json_format_reads(content: dict[str, Any]) -> None:
    """Other SDKs may write a field's original name, numbers in quotes, times with an offset."""
    message = context_unit_pb2.ContextUnit()
    json_format.ParseDict(content, message, ignore_unknown_fields=True, max_recursion_depth=200)

    assert ContextUnit.from_protobuf(message) == read_unit(json.dumps(content).encode()).model_copy(
        update={} if message.HasField("created_at") else {"created_at": None}
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no JSON", "the value is no ContextUnit"),
        (b"[1]", "the value is no ContextUnit"),
        (b"{}", "unit_id: must be a UUIDv4"),
        (_spelt(unitId="left out"), "unit_id: must be a UUIDv4"),
        (_spelt(traceId="x"), "trace_id: must be a UUIDv4"),
        (_spelt(payload=[1]), "the value is no ContextUnit"),
        (_spelt(provenance=[1]), "the value is no ContextUnit"),
        (_spelt(metrics={"tokensUsed": True}), "the value is no ContextUnit"),
        (_spelt(payload={"a": "\ud800"}), "the value is no ContextUnit"),
    ],
    ids=[
        "text",
        "list",
        "empty",
        "no-unit-id",
        "bad-trace-id",
        "payload-list",
        "provenance-number",
        "true-as-number",
        "surrogate",
    ],
)
def test_what_is_no_unit_is_told_apart(content: Any, message: str) -> None:
    """It is a ValueError that says what is wrong, and no id is made up."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()

    with pytest.raises(ValueError, match=message):
        read_unit(data)


def test_what_cannot_travel_is_not_stored() -> None:
    """The codec's rules hold for JSON too."""
    with pytest.raises(UnitError, match=r"payload\.a\[0\]: is bytes"):
        write_unit(ContextUnit(payload={"a": [b"raw"]}))
