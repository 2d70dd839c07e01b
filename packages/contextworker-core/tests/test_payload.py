"""The exact codec: what goes in comes out, or is refused with the path to it."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextcore import ContextUnit, UnitError, context_unit_pb2
from contextcore import payload as codec
from contextcore.payload import MAX_DEPTH, MAX_INTEGER

keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | keys
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=25,
)
payloads = st.dictionaries(keys, trees, max_size=5)


@pytest.fixture(scope="module", autouse=True, params=["native", "python"])
def either(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run every test on the compiled part, and on the Python code alone."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "python":
            patch.setattr(codec, "_native", None)
        elif codec._native is None:
            pytest.skip("_native.c is not compiled")
        yield


def travel(payload: dict[str, Any]) -> dict[str, Any]:
    """Send a payload over the wire and read it back."""
    wire = ContextUnit(payload=payload).to_protobuf().SerializeToString()
    return ContextUnit.from_protobuf(context_unit_pb2.ContextUnit.FromString(wire)).payload


def same(sent: object, received: object) -> bool:
    """Compare exactly: True is not 1, and only a float without a fraction may become an int."""
    match sent:
        case dict():
            return (
                isinstance(received, dict)
                and sent.keys() == received.keys()
                and all(same(sent[key], received[key]) for key in sent)
            )
        case list():
            return (
                isinstance(received, list)
                and len(sent) == len(received)
                and all(map(same, sent, received))
            )
        case float():
            whole = sent.is_integer() and abs(sent) <= MAX_INTEGER
            return sent == received and type(received) is (int if whole else float)
        case _:
            return type(sent) is type(received) and sent == received


@given(payload=payloads)
def test_what_goes_in_comes_out(payload: dict[str, Any]) -> None:
    """None, booleans, integers, floats, Unicode and nesting survive."""
    assert same(payload, travel(payload))


def test_empty_containers_and_null_stay_what_they_are() -> None:
    """An empty object, an empty array and null are three different things."""
    payload: dict[str, Any] = {
        "object": {},
        "array": [],
        "null": None,
        "text": "",
        "zero": 0,
        "no": False,
    }

    assert payload == travel(payload)


@given(number=st.integers(MAX_INTEGER + 1) | st.integers(max_value=-MAX_INTEGER - 1))
def test_an_integer_that_a_double_cannot_carry_is_refused(number: int) -> None:
    """Beyond ±2^53 an integer would be bent silently."""
    with pytest.raises(UnitError, match=r"payload\.order\.id: is an integer beyond"):
        ContextUnit(payload={"order": {"id": number}}).to_protobuf()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"items": [1, 2, 3, {"price": float("nan")}]}, "payload.items[3].price: is nan"),
        ({"a": float("-inf")}, "payload.a: is -inf"),
        ({"a": {"b": b"raw"}}, "payload.a.b: is bytes"),
        ({"a": [(1, 2)]}, "payload.a[0]: is a tuple"),
        ({"a": {1: "x"}}, "payload.a: has the key 1 of type int"),
        ({"a": {1 << 20_000: "x"}}, "payload.a: has the key ... of type int"),
        ({"a": {1, 2}}, "payload.a: is a set"),
        ({"a": "\ud800"}, "payload.a: is a string that is not valid Unicode"),
        ({"a": {"\ud800": 1}}, "payload.a: has the key '\\ud800', which is not valid Unicode"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_path(payload: dict[str, Any], message: str) -> None:
    """The error names the place and the reason."""
    with pytest.raises(UnitError) as caught:
        ContextUnit(payload=payload).to_protobuf()

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("wrap", [lambda inner: {"a": inner}, lambda inner: [inner]])
def test_nesting_is_refused_before_a_parser_would_fail_on_it(wrap: Any) -> None:
    """The deepest tree that is accepted is one that every receiver can parse."""
    tree: Any = 1
    for _ in range(MAX_DEPTH - 1):
        tree = wrap(tree)

    assert {"tree": tree} == travel({"tree": tree})
    with pytest.raises(UnitError, match="nested more than 32 deep"):
        travel({"tree": wrap(tree)})


def test_nesting_is_refused_on_arrival_as_well() -> None:
    """A unit that came in can go on: lists nest deeper in a message than a payload may."""
    message = ContextUnit().to_protobuf()
    value = message.payload.fields["tree"]
    for _ in range(MAX_DEPTH):
        value = value.list_value.values.add()
    value.bool_value = True

    with pytest.raises(UnitError, match="nested more than 32 deep"):
        ContextUnit.from_protobuf(message)


def test_a_value_without_a_kind_is_refused() -> None:
    """A Value that holds nothing is not null; the sender forgot it."""
    message = ContextUnit().to_protobuf()
    message.payload.fields["empty"].SetInParent()

    with pytest.raises(UnitError, match=r"payload\.empty: has no value"):
        ContextUnit.from_protobuf(message)
