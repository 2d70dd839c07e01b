"""Hostile programs: each ends cleanly within its limits, and nobody else notices."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pydantic_monty
import pytest
from hostile_programs import Hostile, hostile_programs

import contextworker.sandbox.engine
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Ended
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.sizes import written_bytes

_LIMITS = DEFAULT.model_copy(
    update={"memory_mib": 16, "recursion": 200, "output_bytes": 20_000, "answer_bytes": 20_000}
)
_PROGRAMS = hostile_programs()
_OURS = [
    str(Path(module.__file__ or "").parent)
    for module in (contextworker.sandbox.engine, pydantic_monty, asyncio)
]


def _as_parameters() -> list[object]:
    return [
        pytest.param(
            program,
            id=f"{program.kind}-{program.name.replace(' ', '-')}",
            marks=[pytest.mark.slow] if program.slow else [],
        )
        for program in _PROGRAMS
    ]


@pytest.mark.parametrize("program", _as_parameters())
async def test_a_hostile_program_ends_cleanly_and_alone(
    program: Hostile,
    interpreter: Interpreter,
    beside: Callable[[], AbstractAsyncContextManager[None]],
    secret: str,
) -> None:
    """With an error that is its own, telling nothing of the host, and the next one runs."""
    limits = _LIMITS.model_copy(update={"timeout_s": program.timeout})

    async with asyncio.timeout(90), beside():
        stop = await interpreter.start(program.source, {}, tenant_id="hostile", limits=limits)
        after = await interpreter.start("6 * 7", {}, tenant_id="hostile", limits=DEFAULT)

    assert isinstance(stop, Ended)
    assert program.ended_cleanly(stop.finished), str(stop.finished)[:500]
    assert isinstance(after, Ended)
    assert 42 == after.finished.result
    _check_what_is_told(stop, limits.output_bytes, secret)


def _check_what_is_told(stop: Ended, most: int, secret: str) -> None:
    told = repr(stop)
    assert secret not in told
    assert os.environ["PATH"] not in told
    assert [] == [folder for folder in _OURS if folder in told]
    assert most >= written_bytes(stop.printed.stdout + stop.printed.stderr)


def test_there_is_a_program_for_each_trick() -> None:
    """At least so many in all, under names of their own, of every kind."""
    names = Counter((program.kind, program.name) for program in _PROGRAMS)

    assert [] == [name for name, times in names.items() if times > 1]
    assert 60 <= len(names)
