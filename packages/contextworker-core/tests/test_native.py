"""The compiled part of the codec does what the Python code does, or leaves it to that."""

import gc
import json
import runpy
import sys
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum, StrEnum
from itertools import pairwise
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct
from hypothesis import example, given
from hypothesis import strategies as st

from contextcore import UnitError
from contextcore import payload as codec
from contextcore.payload import MAX_DEPTH, MAX_INTEGER, read_struct, write_struct

native = codec._native
pytestmark = pytest.mark.skipif(
    native is None,
    reason="_native.c is not compiled: with a C compiler, "
    "`uv sync --reinstall-package contextworker-core` does",
)


class Size(IntEnum):
    """A number that is no plain one."""

    SMALL = 1


class Name(StrEnum):
    """Text that is no plain one."""

    ONE = "one"


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
_usual = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts
)
json_trees = st.dictionaries(
    _texts,
    st.recursive(
        _usual,
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_texts, inner, max_size=5),
        max_leaves=25,
    ),
    max_size=6,
)
# What callers may hand over besides: refused, or known to the Python code alone.
_any_text = st.text(max_size=3)
any_trees = st.dictionaries(
    _any_text,
    st.recursive(
        _usual
        | st.integers()
        | st.floats()
        | st.binary(max_size=3)
        | _any_text
        | st.sampled_from([Size.SMALL, Name.ONE]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(_any_text | st.integers(0, 3), inner, max_size=3)
            | st.dictionaries(_texts, inner, max_size=3).map(OrderedDict)
            | st.tuples(inner)
        ),
        max_leaves=15,
    ),
    max_size=4,
)


def field(tag: int, content: bytes) -> bytes:
    """Write a field with its length, which is below 128 here."""
    return bytes([tag, len(content)]) + content


def entry(key: bytes, value: bytes) -> bytes:
    """Write an entry of a Struct's fields."""
    return field(0x0A, field(0x0A, key) + field(0x12, value))


# Values that are cut off, too long or of no known kind; the lengths around them agree.
_kinds = st.sampled_from([0x08, 0x11, 0x1A, 0x20, 0x2A, 0x32])
crooked_values = st.recursive(
    st.tuples(_kinds.map(lambda kind: bytes([kind])), st.binary(max_size=9)).map(b"".join),
    lambda inner: (
        st.builds(field, _kinds, inner)
        | inner.map(lambda value: field(0x2A, entry(b"a", value)))
        | inner.map(lambda value: field(0x32, field(0x0A, value)))
    ),
    max_leaves=4,
)


def nested(wrap: Callable[[Any], Any]) -> Any:
    """Nest a value deeper than a payload may."""
    tree: Any = 1
    for _ in range(MAX_DEPTH):
        tree = wrap(tree)
    return tree


def written(tree: dict[str, Any]) -> Struct | str:
    """Write a payload, or tell why not."""
    message = Struct()
    try:
        write_struct(message, tree)
    except UnitError as error:
        return str(error)
    return message


def read(message: Struct) -> str:
    """Read a payload, or tell why not; as text, in which 1, 1.0 and true differ."""
    try:
        return json.dumps(read_struct(message), sort_keys=True)
    except UnitError as error:
        return str(error)


def in_python(call: Any, value: Any) -> Any:
    """Call without the compiled part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "_native", None)
        return call(value)


@given(tree=json_trees)
def test_it_reads_and_writes_as_json_format_does(tree: dict[str, Any]) -> None:
    """Google's own way to a Struct and back is the reference."""
    assert native is not None

    wire = native.write(tree, MAX_DEPTH)

    assert wire is not None
    message = Struct.FromString(wire)
    assert json_format.ParseDict(tree, Struct()) == message
    assert json_format.MessageToDict(message) == native.read(message.SerializeToString(), MAX_DEPTH)


@given(tree=any_trees)
@example(tree={"not a number": float("nan")})
@example(tree={"infinite": [float("-inf")]})
@example(tree={"beyond": {"2^53": 2**53 + 1}})
@example(tree={"arrays": nested(lambda inner: [inner])})
@example(tree={"objects": nested(lambda inner: {"a": inner})})
def test_it_writes_what_python_writes_and_refuses_what_python_refuses(tree: dict[str, Any]) -> None:
    """Whatever a caller hands over, in the same words."""
    assert in_python(written, tree) == written(tree)


@given(tree=json_trees, data=st.data())
def test_it_reads_what_python_reads(tree: dict[str, Any], data: st.DataObject) -> None:
    """Also of a message that was damaged on its way, and of one in an unusual spelling."""
    wire = bytearray(Struct.SerializeToString(json_format.ParseDict(tree, Struct())))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(wire)))
        wire[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        message = Struct.FromString(bytes(wire))
    except DecodeError:
        return

    assert in_python(read, message) == read(message)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 2.0**53 + 2, -0.0, 1e300, 0.5])
def test_it_reads_numbers_as_python_does(number: float) -> None:
    """What no unit may hold is refused in both, and a whole number is an integer in both."""
    message = Struct()
    message.fields["number"].number_value = number

    assert in_python(read, message) == read(message)


def read_at_most_what_protobuf_reads(wire: bytes) -> None:
    """Check that whatever is read of these bytes, protobuf reads the same."""
    assert native is not None

    payload = native.read(wire, MAX_DEPTH)

    if payload is not None:
        assert json_format.MessageToDict(Struct.FromString(wire)) == payload


@given(wire=st.binary(max_size=40))
def test_bytes_that_are_no_struct_are_left_alone(wire: bytes) -> None:
    """Any bytes at all."""
    read_at_most_what_protobuf_reads(wire)


@given(value=crooked_values)
@example(value=b"\x11")
@example(value=b"\x1a\x7f")
def test_crooked_values_are_left_alone(value: bytes) -> None:
    """The lengths around a value say nothing of what is in it."""
    read_at_most_what_protobuf_reads(entry(b"a", value))


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_message_cut_off_is_left_alone(cut: int) -> None:
    """Nothing beyond its end is read."""
    assert native is not None
    wire = native.write({"a": [1.5, "text", {"b": None}], "long": "x" * 200}, MAX_DEPTH)
    assert wire is not None

    assert native.read(wire[:-cut], MAX_DEPTH) is None


def test_nothing_leaks() -> None:
    """Every way out gives back what it took: read, written, refused half-way.

    What is measured is the whole process, in which other threads may take something meanwhile: what
    leaks does so each time.
    """
    assert native is not None
    tree = {"items": [{"sku": f"a{index}", "price": index + 0.5} for index in range(50)]}
    wire = native.write(tree, MAX_DEPTH)
    assert wire is not None
    refused = {**tree, "last": b"bytes"}

    def everything() -> None:
        for _ in range(50):
            native.write(tree, MAX_DEPTH)
            native.write(refused, MAX_DEPTH)
            native.read(wire, MAX_DEPTH)
            native.read(wire[:-1], MAX_DEPTH)

    tracemalloc.start()
    try:
        held = []
        for _ in range(4):
            everything()
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert min(after - before for before, after in pairwise(held)) < len(wire)


def test_a_free_threaded_python_leaves_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its objects are laid out differently, though it may look for files of the same name."""
    fresh = runpy.run_path(str(codec.__file__))
    monkeypatch.setattr(sys, "abiflags", "t")
    free_threaded = runpy.run_path(str(codec.__file__))

    assert (native, None) == (fresh["_native"], free_threaded["_native"])
