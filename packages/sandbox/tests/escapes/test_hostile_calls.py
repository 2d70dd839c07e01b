"""Hostile calls of tools: with what no tool takes, from where none can be called, without end."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from pydantic import JsonValue

from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Asked, Ended, Stop
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.messages import Answer, Finished, ToolError

_LIMITS = DEFAULT.model_copy(
    update={"timeout_s": 10, "memory_mib": 16, "output_bytes": 20_000, "answer_bytes": 20_000}
)
_AWAIT_MUCH = """
import asyncio

async def f():
    return await look("x" * 5000)

await asyncio.gather(*[f() for _ in range(10)])
"""
_SOME_AWAIT = """
import asyncio

async def a():
    return await look(1)

async def b():
    return look(2)

await asyncio.gather(a(), b())
"""
_AWAIT_LATER = """
import asyncio

async def a():
    return await look(1)

async def b():
    x = look(2)
    return x + await look(3)

await asyncio.gather(b(), a(), b(), a())
"""
_Beside = Callable[[], AbstractAsyncContextManager[None]]


async def _start(interpreter: Interpreter, code: str, **limits: Any) -> Stop:
    return await interpreter.start(
        code, {}, tenant_id="hostile", limits=_LIMITS.model_copy(update=limits)
    )


async def _resume(interpreter: Interpreter, stop: Stop, answer: Answer) -> Stop:
    assert isinstance(stop, Asked), stop
    return await interpreter.resume(
        stop.snapshot, answer, tenant_id="hostile", output_left=_LIMITS.output_bytes
    )


def _end(stop: Stop) -> str | None:
    assert isinstance(stop, Ended), stop
    error = stop.finished.error
    return None if error is None else error.limit or error.type


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("look(1 << 50_000)", "TypeError"),
        ("look({1 << 50_000: 1})", "TypeError"),
        ("look([{(1 << 50_000,): 1}])", "TypeError"),
        ("look(2**53 + 1)", "TypeError"),
        ("look(float('nan'))", "TypeError"),
        ("look(x=float('-inf'))", "TypeError"),
        ("look(b'bytes')", "TypeError"),
        ("look({1, 2})", "TypeError"),
        ("look((1, 2))", "TypeError"),
        ("look(None, ...)", "TypeError"),
        ("class A: pass\nlook(A())", "TypeError"),
        ("class A: pass\nlook({A(): 1})", "TypeError"),
        ("class A: pass\nlook(x={A()})", "TypeError"),
        ("x = []\nfor _ in range(40): x = [x]\nlook(x)", "TypeError"),
        ("x = []\nfor _ in range(50_000): x = [x]\nlook(x)", "TypeError"),
        ("x = [1]\nfor _ in range(60): x = [x, x]\nlook(x)", "answer_bytes"),
        ("x = [1]\nfor _ in range(60): x = [x, x]\nlook(**{'x': x})", "answer_bytes"),
        ("look('x' * 1_000_000)", "answer_bytes"),
        ("look(*range(50_000))", "answer_bytes"),
        ("look(**{str(i): i for i in range(10_000)})", "answer_bytes"),
        (_AWAIT_MUCH, "answer_bytes"),
        ("no_such_tool(1)", "NameError"),
        ("await no_such_tool(1)", "NameError"),
        ("look.__globals__", "AttributeError"),
        ("look.__class__", "AttributeError"),
        ("look.x = 1", "AttributeError"),
        ("list(map(look, [1, 2]))", "NotImplementedError"),
        ("list(filter(look, [1, 2]))", "NotImplementedError"),
        ("sorted([2, 1], key=look)", "NotImplementedError"),
        ("min([2, 1], key=look)", "NotImplementedError"),
        ("list(iter(look, 1))", "NotImplementedError"),
        ("class A:\n  def __hash__(self): return look(1)\n{A(): 1}", "NotImplementedError"),
        ("class A:\n  def __repr__(self): return look(1)\nrepr(A())", "NotImplementedError"),
        ("class A:\n  def __eq__(self, x): return look(1)\nA() == A()", "NotImplementedError"),
        ("import re\nre.sub('a', look, 'aaa')", "TypeError"),
        ("import copy\ncopy.deepcopy(look)", "TypeError"),
        ("look = 1\nlook(1)", "TypeError"),
        ("import time\ntime.sleep(-1)", "ValueError"),
        ("import time\ntime.sleep(float('nan'))", "ValueError"),
        ("import time\ntime.sleep(1e300)", "OverflowError"),
        ("import asyncio\nawait asyncio.sleep('x')", "TypeError"),
    ],
)
async def test_a_call_that_nobody_takes_is_not_made(
    interpreter: Interpreter, beside: _Beside, code: str, end: str
) -> None:
    """It is an error in the code, or a limit, and no call."""
    async with beside():
        stop = await _start(interpreter, code)

    assert end == _end(stop)


@pytest.mark.parametrize(
    ("code", "calls", "result"),
    [
        ("try:\n  1 / 0\nexcept ZeroDivisionError:\n  x = look(1)\nx", 1, 7),
        ("try:\n  pass\nfinally:\n  x = look(1)\nx", 1, 7),
        ("def f(x=look(1)): return x\nf()", 1, 7),
        ("[look(i) for i in range(3)]", 3, [7, 7, 7]),
        ("eval('look(1)')", 1, 7),
        ("import functools\nfunctools.reduce(look, [1, 2, 3])", 2, 7),
        ("f'{look(1)}'", 1, "7"),
        ("def look(x): return x\nlook(1)", 0, 1),
        ("exec('async def f(): return await look(1)')\nawait f()", 1, 7),
        ("look(**{'a b': 1, '': 2, 'self': 3, '\\0': 4})", 1, 7),
        ("import functools\nf = functools.lru_cache(None)(look)\nf(1) + f(1)", 1, 14),
        (_SOME_AWAIT, 2, [7, 7]),
        (_AWAIT_LATER, 6, [14, 7, 14, 7]),
    ],
)
async def test_a_call_from_an_odd_place_is_made_once(
    interpreter: Interpreter, beside: _Beside, code: str, calls: int, result: JsonValue
) -> None:
    """Handlers, defaults, folds, exec, and tasks of which only some await."""
    made = 0
    async with beside():
        stop = await _start(interpreter, code)
        while isinstance(stop, Asked):
            made += 1
            stop = await _resume(interpreter, stop, Answer(value=7))

    assert isinstance(stop, Ended)
    assert (calls, Finished(result=result)) == (made, stop.finished)


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (Answer(value="x" * 1_000_000), "answer_bytes"),
        (Answer(value=[1] * 100_000), "answer_bytes"),
        (Answer(value={str(i): i for i in range(10_000)}), "answer_bytes"),
        (Answer(value={"": {"\0": ["\u202e", 2**53, -(2**53), 1e308]}}), None),
        (Answer(error=ToolError(type="NoSuchError", message="x")), "RuntimeError"),
        (Answer(error=ToolError(type="SystemExit", message="x")), "SystemExit"),
        (Answer(error=ToolError(type="UnicodeDecodeError", message="x")), "UnicodeDecodeError"),
        (
            Answer(error=ToolError(type="MemoryError", message="memory limit exceeded: 2 > 1")),
            "MemoryError",
        ),
        (Answer(error=ToolError(type="ValueError", message="x" * 20_000_000)), "memory_mib"),
    ],
    ids=lambda value: None if isinstance(value, Answer) else str(value),
)
@pytest.mark.parametrize("code", ["look(1)", "await look(1)"], ids=["plain", "awaited"])
async def test_a_hostile_answer_harms_the_one_who_asked(
    interpreter: Interpreter, beside: _Beside, code: str, answer: Answer, end: str | None
) -> None:
    """What a tool says is held to limits, too."""
    async with beside():
        stop = await _resume(interpreter, await _start(interpreter, code), answer)

    assert end == _end(stop)


async def test_a_deep_answer_arrives(interpreter: Interpreter) -> None:
    """Deeper than a ContextUnit could carry: it is data, until code returns it."""
    deep: JsonValue = 1
    for _ in range(100):
        deep = [deep]

    stop = await _resume(interpreter, await _start(interpreter, "look(1)"), Answer(value=deep))

    assert isinstance(stop, Ended)
    assert stop.finished.result_is_repr


async def test_time_passes_on_over_calls(interpreter: Interpreter, beside: _Beside) -> None:
    """Code that computes a little in each of many turns has one time limit for all of them."""
    code = (
        "while True:\n  try:\n    for _ in range(100_000): pass\n    look(1)\n"
        "  except BaseException: pass"
    )
    async with beside():
        stop = await _start(interpreter, code, timeout_s=0.05)
        for _ in range(1000):
            if isinstance(stop, Ended):
                break
            stop = await _resume(interpreter, stop, Answer())

    assert "timeout_s" == _end(stop)


async def test_memory_is_held_over_calls(interpreter: Interpreter, beside: _Beside) -> None:
    """Code that takes a little more in each of many turns has one memory limit for all of them."""
    code = "kept = []\nwhile True:\n  kept.append('x' * 5_000_000 + str(len(kept)))\n  look(1)"
    async with beside():
        stop = await _start(interpreter, code)
        for _ in range(10):
            if isinstance(stop, Ended):
                break
            stop = await _resume(interpreter, stop, Answer())

    assert "memory_mib" == _end(stop)


async def test_output_is_held_over_calls(interpreter: Interpreter, beside: _Beside) -> None:
    """What is left of it is all that the next turn may print."""
    printed = ""
    async with beside():
        stop = await _start(interpreter, "while True:\n  print('x' * 5999)\n  look(1)")
        while isinstance(stop, Asked):
            printed += stop.printed.stdout
            left = _LIMITS.output_bytes - len(printed)
            stop = await interpreter.resume(
                stop.snapshot, Answer(), tenant_id="hostile", output_left=left
            )

    assert "output_bytes" == _end(stop)
    assert _LIMITS.output_bytes == len(printed + stop.printed.stdout)
