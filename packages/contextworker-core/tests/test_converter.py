"""Units in Temporal: readable JSON, exact both ways, and everything else left to Pydantic."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextcore import ContextUnit, context_unit_pb2, origin
from contextcore.payload import MAX_DEPTH
from contextworker.core.converter import DATA_CONVERTER
from contextworker.core.messages import Progress

CONVERTER = DATA_CONVERTER.payload_converter
trees: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("abcü\u2028😀\x00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.ü"), inner, max_size=3),
    max_leaves=10,
)


def test_a_unit_is_stored_as_readable_protobuf_json() -> None:
    """Temporal's UI and SDKs of other languages see the canonical JSON of the message."""
    unit = ContextUnit(payload={"supplier_code": "camping-trade", "rows": 3})

    (payload,) = CONVERTER.to_payloads([unit])

    assert b"json/protobuf" == payload.metadata["encoding"]
    assert b"contextcore.ContextUnit" == payload.metadata["messageType"]
    content = json.loads(payload.data)
    assert unit.unit_id == content["unitId"]
    assert {"supplier_code": "camping-trade", "rows": 3} == content["payload"]


@given(tree=trees)
def test_a_unit_comes_back_as_it_was(tree: Any) -> None:
    """The way through JSON is as exact as the wire."""
    unit = ContextUnit(payload={"tree": tree}, provenance=["a:b"])

    assert [unit] == CONVERTER.from_payloads(CONVERTER.to_payloads([unit]), [ContextUnit])


def test_the_deepest_unit_travels_through_json_too() -> None:
    """JSON's own depth limits lie above the codec's."""
    tree: Any = 1
    for _ in range(MAX_DEPTH - 1):
        tree = {"a": tree}
    unit = ContextUnit(payload={"tree": tree})

    assert [unit] == CONVERTER.from_payloads(CONVERTER.to_payloads([unit]), [ContextUnit])


def test_a_field_of_a_newer_writer_is_ignored() -> None:
    """A worker reads units of a later contract."""
    (payload,) = CONVERTER.to_payloads([ContextUnit(payload={"a": 1})])
    content = json.loads(payload.data) | {"fieldOfTomorrow": 1}
    payload.data = json.dumps(content).encode()

    (unit,) = CONVERTER.from_payloads([payload])

    assert {"a": 1} == unit.payload


def test_what_is_no_unit_is_an_error_of_values() -> None:
    """Whoever reads values of unknown origin has one kind of error to expect."""
    (payload,) = CONVERTER.to_payloads([ContextUnit()])
    payload.data = b"no JSON"

    with pytest.raises(ValueError, match="the value is no ContextUnit"):
        CONVERTER.from_payloads([payload])


def test_other_values_go_through_the_sdks_converters() -> None:
    """Protobuf messages and Pydantic models are not touched."""
    message = ContextUnit().to_protobuf()
    values = [message, Progress(stage="storing", done=3), {"a": [1, None]}, None, b"raw"]
    types: list[Any] = [context_unit_pb2.ContextUnit, Progress, dict, None, bytes]

    payloads = CONVERTER.to_payloads(values)

    assert values == CONVERTER.from_payloads(payloads, types)


def test_ids_and_times_come_from_the_origin_in_force() -> None:
    """Inside `use_origin`, and only there, new units are what the origin says."""
    fixed = ContextUnit()

    class Fixed:
        def new_id(self) -> str:
            return fixed.unit_id

        def now(self) -> Any:
            return fixed.created_at

    with origin.use_origin(Fixed()):
        unit = ContextUnit()

    assert (fixed.unit_id, fixed.created_at) == (unit.unit_id, unit.created_at)
    assert fixed.unit_id != ContextUnit().unit_id
