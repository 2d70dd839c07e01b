"""The ContextUnit's codec beside google.protobuf's json_format, in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from google.protobuf import json_format

from contextcore import ContextUnit, context_unit_pb2
from front.feed import LARGE, SMALL, unit

Wire = context_unit_pb2.ContextUnit
TURN_S = 0.2
IS_COMPILED = find_spec("contextcore._native") is not None


@dataclass(frozen=True)
class CodecFigure:
    """One payload size: microseconds of each, in the median turn."""

    size: int
    encode_us: float
    decode_us: float
    peer_encode_us: float
    peer_decode_us: float

    @property
    def ratio(self) -> float:
        """How many times faster than the peer, there and back."""
        return (self.peer_encode_us + self.peer_decode_us) / (self.encode_us + self.decode_us)


def measure(rounds: int) -> list[CodecFigure]:
    """Measure both sizes."""
    return [_measure(size, rounds) for size in (SMALL, LARGE)]


def _measure(size: int, rounds: int) -> CodecFigure:
    sent = unit(size)
    wire = sent.to_protobuf().SerializeToString()
    content = json_format.MessageToDict(sent.to_protobuf())
    steps: dict[str, Callable[[], object]] = {
        "encode_us": lambda: sent.to_protobuf().SerializeToString(),
        "decode_us": lambda: ContextUnit.from_protobuf(Wire.FromString(wire)),
        "peer_encode_us": lambda: json_format.ParseDict(content, Wire()).SerializeToString(),
        "peer_decode_us": lambda: json_format.MessageToDict(Wire.FromString(wire)),
    }
    turns: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            turns[name].append(_microseconds(step))
    return CodecFigure(size, **{name: statistics.median(taken) for name, taken in turns.items()})


def _microseconds(step: Callable[[], object]) -> float:
    step()
    count, begun = 0, time.process_time()
    while (taken := time.process_time() - begun) < TURN_S:
        for _ in range(5):
            step()
        count += 5
    return taken / count * 1e6
