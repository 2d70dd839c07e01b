"""Requests that nobody should send: bytes, envelopes, payloads, metadata and deadlines."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway_contract import RPCS
from gateway_odd_payloads import UNIT_ID, fields_of, message_of, payloads, texts, trees
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from contextcore import context_unit_pb2


@dataclass(frozen=True)
class Shot:
    """One call of the gateway."""

    rpc: str
    data: bytes
    metadata: tuple[tuple[str, str | bytes], ...] = ()
    timeout: float = 30

    @property
    def is_hurried(self) -> bool:
        """Whether its deadline may pass before it is answered."""
        return self.timeout < 1

    def __repr__(self) -> str:
        """Say what can be read: requests may be of megabytes."""
        size, told = len(self.data), self.data[:400].hex()
        return f"<{self.rpc}: {size} bytes {told}, {str(self.metadata)[:300]}, {self.timeout} s>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - hypothesis's
        printer.text(repr(self))


_SECONDS = (0, -62135596800, -62135596801, 253402300799, 253402300800, 2**63 - 1)
_NANOS = (0, 1, 999_999_999, 10**9, -1, -(2**31), 2**31 - 1)
_MANY = (0, 1, 3, 5000, 60_000)
_ids = st.sampled_from([UNIT_ID, UNIT_ID.upper(), UNIT_ID.replace("-", "")]) | texts
_int32 = st.integers(-(2**31), 2**31 - 1)
_times = st.builds(Timestamp, seconds=st.sampled_from(_SECONDS), nanos=st.sampled_from(_NANOS))
_MOST_BYTES = 6_000_000  # of one field: more than a gateway takes, and no more than a test can hold


def _often(one: str | context_unit_pb2.CotStep, times: int) -> list[Any]:
    size = len(one.encode()) if isinstance(one, str) else one.ByteSize()
    return [one] * min(times, _MOST_BYTES // (size + 1))


_repeated = st.tuples(texts, st.sampled_from(_MANY)).map(lambda it: _often(*it))
# Something odd for each field of the envelope.
_ENVELOPE: dict[str, SearchStrategy[Any]] = {
    "unit_id": _ids,
    "trace_id": _ids,
    "parent_unit_id": _ids,
    "modality": _int32,
    "provenance": _repeated,
    "created_at": _times,
    "metrics": st.builds(
        context_unit_pb2.UnitMetrics,
        latency_ms=st.integers(-(2**63), 2**63 - 1),
        cost_usd=st.floats(),
        tokens_used=_int32,
        cost_limit_usd=st.floats(),
    ),
    "security": st.builds(
        context_unit_pb2.SecurityScopes, read=_repeated, write=st.lists(texts, max_size=3)
    ),
    "chain_of_thought": st.tuples(
        st.builds(context_unit_pb2.CotStep, agent=texts, timestamp=_times), st.sampled_from(_MANY)
    ).map(lambda it: _often(it[0], it[1] // 10)),
}


@st.composite
def _envelopes(draw: DrawFn, payload: dict[str, Any]) -> bytes:
    """A unit with something odd in some fields of its envelope."""
    message = message_of(payload)
    names = draw(st.sets(st.sampled_from(sorted(_ENVELOPE)), min_size=1, max_size=4))
    odd = {name: draw(_ENVELOPE[name]) for name in sorted(names)}
    for name in odd:
        message.ClearField(name)  # type: ignore[arg-type] # the stubs take literals only
    message.MergeFrom(context_unit_pb2.ContextUnit(**odd))
    return message.SerializeToString()


def _varint(number: int) -> bytes:
    data = b""
    while number > 0x7F:
        data += bytes([number & 0x7F | 0x80])
        number >>= 7
    return data + bytes([number])


@st.composite
def _fields_of_any_kind(draw: DrawFn) -> bytes:
    """Fields under every number, of every wire type, with lengths that lie."""
    data = b""
    for _ in range(draw(st.integers(1, 6))):
        number, kind = draw(st.integers(0, 20)), draw(st.integers(0, 7))
        data += _varint(number << 3 | kind)
        match kind:
            case 0:
                data += _varint(draw(st.integers(0, 2**70)))
            case 1:
                data += struct.pack("<d", draw(st.floats()))
            case 2:
                content = draw(st.binary(max_size=20))
                lie = draw(st.sampled_from([0, 0, 0, 1, 2**31, 2**32, 2**63, 2**64 - 1]))
                data += _varint(len(content) + lie) + content
            case 5:
                data += draw(st.binary(min_size=4, max_size=4))
    return data


@st.composite
def _mutations(draw: DrawFn, payload: dict[str, Any]) -> bytes:
    """A unit that was sound until some of its bytes were lost, changed or doubled."""
    data = bytearray(message_of(payload).SerializeToString())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 4)):
            case 0:
                del data[at:]
            case 1:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 2:
                data[at:at] = draw(st.binary(min_size=1, max_size=6))
            case 3:
                data += data[at:]
            case 4:
                data[at : at + 8] = b""
    return bytes(data)


_METADATA: SearchStrategy[tuple[tuple[str, str | bytes], ...]] = st.one_of(
    st.sampled_from(
        [
            (("authorization", "Bearer"),),
            (("authorization", "Bearer  "),),
            (("authorization", "Basic dXNlcjpwYXNz"),),
            (("authorization", "Bearer a.b.c"),),
            (("authorization", "Bearer " + "e30." * 3),),
            (("authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),),
            (("authorization", "Bearer a"), ("authorization", "Bearer b")),
            (("authorization", "bearer " + "x" * 7000),),
            (("x-request-id", "x" * 6000),),
            (("x-request-id", "x" * 60_000),),
            (("grpc-accept-encoding", "nonsense"),),
            (("traceparent", "00-zz-zz-zz"),),
            *(
                (("contextworker-on-behalf-of-bin", rights),)
                for rights in (
                    b'{"subject": "alice", "tenant_id": "acme", "permissions": ["worker:read"]}',
                    b'{"subject": "alice", "tenant_id": "acme", "permissions": null}',
                    b'{"subject": "\\u0000", "tenant_id": "globex"}',
                    b'{"permissions": [1, {"x": []}]}',
                    b"[" * 4000,
                    b"\xff\xfe",
                    b"",
                )
            ),
        ]
    ),
    st.binary(max_size=200).map(lambda data: (("x-odd-bin", data),)),
    st.integers(1, 100).map(lambda many: tuple((f"x-{one}", "y") for one in range(many))),
)


_KINDS = (*["payload"] * 6, "envelope", "tree", "mutated", "wire", "raw")


def shots(
    workflow_ids: Sequence[str], tokens: Sequence[str], bearers: Sequence[str]
) -> SearchStrategy[Shot]:
    """Make any of these requests.

    Args:
        workflow_ids: Of runs that are there.
        tokens: Page tokens that were given.
        bearers: Tokens that are let in; empty where none is asked for.
    """
    fields = fields_of(workflow_ids, tokens)

    @st.composite
    def shot(draw: DrawFn) -> Shot:
        rpc = draw(st.sampled_from(RPCS))
        kind = draw(
            st.sampled_from(["payload"] * 6 + ["envelope", "tree", "mutated", "wire", "raw"])
        )
        payload = draw(payloads(rpc, fields))
        match kind:
            case "payload":
                data = message_of(payload).SerializeToString()
            case "envelope":
                data = draw(_envelopes(payload))
            case "tree":
                data = draw(trees(payload))
            case "mutated":
                data = draw(_mutations(payload))
            case "wire":
                data = draw(_fields_of_any_kind())
            case _:
                data = draw(st.binary(max_size=300))
        odd, hurry = draw(st.integers(0, 9)), draw(st.integers(0, 19))
        metadata = draw(_METADATA) if odd == 7 else ()
        if bearers and not (odd == 7 and draw(st.booleans())):
            metadata = (*metadata, ("authorization", f"Bearer {draw(st.sampled_from(bearers))}"))
        timeout = draw(st.sampled_from([1e-6, 0.001, 0.003, 0.01, 0.05])) if hurry == 13 else 30
        return Shot(rpc, data, metadata, timeout)

    return shot()
