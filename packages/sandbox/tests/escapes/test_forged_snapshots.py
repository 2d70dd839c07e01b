"""Snapshots that somebody has changed, should one ever reach an interpreter."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.snapshots import SnapshotError
from contextworker.sandbox.engine.stops import Asked, Stop
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.messages import Answer

_HELD = "x = [1, 'two', {'three': [4, 5.5]}]\ny = look(x)\n(x, y)"


@pytest.mark.parametrize("count", [30, pytest.param(3000, marks=pytest.mark.slow)])
async def test_an_interpreter_that_reads_a_forged_one_harms_nobody(
    interpreter: Interpreter, beside: Callable[[], AbstractAsyncContextManager[None]], count: int
) -> None:
    """It is refused, or runs within the limits as any program."""
    begun = await interpreter.start(_HELD, {}, tenant_id="hostile", limits=DEFAULT)
    assert isinstance(begun, Asked)
    head, _, dump = begun.snapshot.partition(b"\n")
    chance = random.Random(count)

    async def resumed(snapshot: bytes) -> Stop | SnapshotError:
        try:
            return await interpreter.resume(
                snapshot, Answer(value=7), tenant_id="hostile", output_left=1000
            )
        except SnapshotError as refused:
            return refused

    async with beside():
        for _ in range(count):
            forged = bytearray(dump)
            for _ in range(chance.choice([1, 1, 2, 10])):
                forged[chance.randrange(len(forged))] = chance.randrange(256)
            await resumed(head + b"\n" + forged[: chance.choice([len(forged), len(forged) - 9])])
        whole = await resumed(begun.snapshot)

    assert not isinstance(whole, SnapshotError | Asked)
    assert whole.finished.error is None
