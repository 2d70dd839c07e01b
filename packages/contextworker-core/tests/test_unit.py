"""The envelope: what callers write, what travels, and what a child inherits."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

import contextcore
from contextcore import (
    ContextUnit,
    CotStep,
    Modality,
    SecurityScopes,
    UnitError,
    UnitMetrics,
    context_unit_pb2,
    worker_pb2,
    worker_pb2_grpc,
)

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_times = st.datetimes(timezones=st.just(UTC))
_floats = st.floats(allow_nan=False, allow_infinity=False)

steps = st.builds(CotStep, agent=_text, action=_text, status=_text, timestamp=_times)
units = st.builds(
    ContextUnit,
    parent_unit_id=st.none() | st.uuids(version=4).map(str),
    modality=st.sampled_from(Modality),
    provenance=st.lists(_text, max_size=4),
    chain_of_thought=st.lists(steps, max_size=3),
    metrics=st.builds(
        UnitMetrics,
        latency_ms=st.integers(-(2**63), 2**63 - 1),
        cost_usd=_floats,
        tokens_used=st.integers(-(2**31), 2**31 - 1),
        cost_limit_usd=_floats,
    ),
    security=st.builds(
        SecurityScopes, read=st.lists(_text, max_size=3), write=st.lists(_text, max_size=3)
    ),
    created_at=_times,
)


def test_the_callers_lines_work_to_the_letter() -> None:
    """What the contract shows is what a caller can write."""
    unit = ContextUnit(
        payload={
            "workflow_type": "harvest",
            "supplier_code": "camping-trade",
            "tenant_id": "my_project",
        },
        provenance=["commerce:trigger"],
    )

    message = unit.to_protobuf(worker_pb2)

    assert message.payload["supplier_code"] == "camping-trade"
    assert ["commerce:trigger"] == list(message.provenance)


def test_the_exports_are_pinned() -> None:
    """A name that callers import does not disappear by accident."""
    expected = {
        "ContextUnit",
        "CotStep",
        "Modality",
        "SecurityScopes",
        "UnitError",
        "UnitMetrics",
        "Violation",
        "commerce_pb2",
        "commerce_pb2_grpc",
        "context_unit_pb2",
        "worker_pb2",
        "worker_pb2_grpc",
    }
    assert expected == set(contextcore.__all__)


@given(unit=units)
def test_every_envelope_field_survives_the_wire(unit: ContextUnit) -> None:
    """Ids, times to the microsecond, modality, metrics and scopes come out as they went in."""
    wire = unit.to_protobuf().SerializeToString()

    assert unit == ContextUnit.from_protobuf(context_unit_pb2.ContextUnit.FromString(wire))


def test_new_units_have_distinct_uuid4_ids() -> None:
    """unit_id and trace_id are fresh UUIDv4s."""
    one, other = ContextUnit(), ContextUnit()

    assert {4} == {UUID(item).version for item in (one.unit_id, one.trace_id)}
    assert 4 == len({one.unit_id, one.trace_id, other.unit_id, other.trace_id})


def test_a_child_continues_its_parent() -> None:
    """Same trace and scopes, the parent's id, provenance extended by one label."""
    parent = ContextUnit(
        payload={"a": 1},
        provenance=["commerce:trigger"],
        security=SecurityScopes(read=["catalogue:read"]),
        modality=Modality.IMAGE,
        chain_of_thought=[CotStep(agent="planner", action="plan")],
    )

    child = parent.child({"b": 2}, provenance="worker:harvest")

    assert child.unit_id != parent.unit_id
    assert parent.unit_id == child.parent_unit_id
    assert parent.trace_id == child.trace_id
    assert {"b": 2} == child.payload
    assert ["commerce:trigger", "worker:harvest"] == child.provenance
    assert ["commerce:trigger"] == parent.provenance
    assert parent.security == child.security
    assert parent.modality == child.modality
    assert parent.chain_of_thought == child.chain_of_thought
    assert UnitMetrics() == child.metrics


def test_a_child_takes_a_model_as_payload() -> None:
    """A Pydantic report becomes a JSON payload."""

    class Report(BaseModel):
        at: datetime
        rows: int

    report = Report(at=datetime(2026, 1, 2, tzinfo=UTC), rows=3)

    child = ContextUnit().child(report, provenance="worker:harvest")

    assert {"at": "2026-01-02T00:00:00Z", "rows": 3} == child.payload


@pytest.mark.parametrize(
    "make",
    [
        lambda text: ContextUnit(provenance=[text]),
        lambda text: SecurityScopes(read=[text]),
        lambda text: CotStep(agent=text),
    ],
)
def test_text_that_cannot_travel_is_refused(make: Any) -> None:
    """Half a surrogate pair has no UTF-8; the field is named before anything is sent."""
    with pytest.raises(ValidationError, match="is not valid Unicode"):
        make("\ud800")


@pytest.mark.parametrize("label", ["", "harvest", "a:b:c:d", "a b:c", "worker:"])
def test_a_provenance_label_has_two_or_three_parts(label: str) -> None:
    """Labels are service:action or service:subsystem:action."""
    with pytest.raises(ValueError, match="service:action"):
        ContextUnit().child({}, provenance=label)


def test_units_are_frozen() -> None:
    """A unit is a value; nobody changes it behind another's back."""
    unit = ContextUnit()
    with pytest.raises(ValidationError):
        unit.trace_id = unit.unit_id  # type: ignore[misc]


def test_times_are_kept_in_utc() -> None:
    """An aware time of any zone is the same instant in UTC; a naive one is refused."""
    local = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=3)))

    assert datetime(2026, 7, 1, 9, 0, 0, 123456, tzinfo=UTC) == ContextUnit(
        created_at=local
    ).created_at.replace(tzinfo=UTC)
    with pytest.raises(ValidationError):
        ContextUnit(created_at=datetime(2026, 7, 1))  # noqa: DTZ001 - the point of the test


def test_every_wrong_field_of_a_message_is_named() -> None:
    """A message that is no unit is refused once, with all its problems."""
    message = context_unit_pb2.ContextUnit(trace_id="not-a-uuid", modality=9)  # type: ignore[arg-type]
    message.payload.fields["price"].number_value = float("nan")
    message.created_at.seconds = 2**60

    with pytest.raises(UnitError) as caught:
        ContextUnit.from_protobuf(message)

    no_uuid = "must be a UUIDv4, such as 1b4e28ba-2fa1-4d2b-883f-0016d3cca427"
    assert {
        "payload.price": "is nan, which is no number; send null or a string",
        "unit_id": no_uuid,
        "trace_id": no_uuid,
        "modality": "must be 0, 1, 2 or 3",
        "created_at": "is outside the years 1 to 9999",
    } == {violation.field: violation.description for violation in caught.value.violations}


@pytest.mark.parametrize("nanos", [-1, 1_000_000_000])
def test_a_time_that_no_clock_shows_is_refused(nanos: int) -> None:
    """A second has so many nanoseconds and no more."""
    message = ContextUnit().to_protobuf()
    message.created_at.nanos = nanos

    with pytest.raises(UnitError, match=r"^created_at: "):
        ContextUnit.from_protobuf(message)


def test_a_unit_without_a_time_gets_the_time_of_arrival() -> None:
    """created_at is no reason to refuse a caller."""
    message = ContextUnit().to_protobuf()
    message.ClearField("created_at")
    before = datetime.now(UTC)

    assert before <= ContextUnit.from_protobuf(message).created_at <= datetime.now(UTC)


def test_to_protobuf_refuses_a_module_that_knows_no_unit() -> None:
    """Handing over the wrong module is said, not guessed around."""
    unit = ContextUnit()

    assert unit.to_protobuf() == unit.to_protobuf(context_unit_pb2)
    with pytest.raises(TypeError, match="worker_pb2_grpc"):
        unit.to_protobuf(worker_pb2_grpc)
