"""Turns of code: what they come to, and how they go on."""

from typing import Any

import pytest
from pydantic import JsonValue

from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.snapshots import SnapshotError
from contextworker.sandbox.engine.stops import Asked, Ended, NotInTimeError, Stop
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.messages import Answer, Finished, ToolCall, ToolError


async def _start(interpreter: Interpreter, code: str, **limits: Any) -> Stop:
    return await interpreter.start(
        code, {}, tenant_id="acme", limits=DEFAULT.model_copy(update=limits)
    )


async def _run(interpreter: Interpreter, code: str, **limits: Any) -> Ended:
    stop = await _start(interpreter, code, **limits)
    assert isinstance(stop, Ended), stop
    return stop


async def _through(
    interpreter: Interpreter, code: str, *answers: JsonValue | ToolError
) -> tuple[list[ToolCall], Finished]:
    """Run a program to its end, with these answers; also return what it asked."""
    calls = []
    stop = await _start(interpreter, code)
    for answer in answers:
        assert isinstance(stop, Asked), stop
        calls.append(stop.call)
        told = Answer(error=answer) if isinstance(answer, ToolError) else Answer(value=answer)
        stop = await interpreter.resume(
            stop.snapshot, told, tenant_id="acme", output_left=DEFAULT.output_bytes
        )
    assert isinstance(stop, Ended), stop
    return calls, stop.finished


async def test_the_last_expression_is_the_result(interpreter: Interpreter) -> None:
    """As in a notebook."""
    ended = await _run(interpreter, "x = 20\nx + 22")

    assert Finished(result=42) == ended.finished


async def test_inputs_are_variables(interpreter: Interpreter) -> None:
    """Code finds them set."""
    stop = await interpreter.start(
        "rows[0]['price'] * 2", {"rows": [{"price": 2.5}]}, tenant_id="acme", limits=DEFAULT
    )

    assert isinstance(stop, Ended)
    assert 5 == stop.finished.result


async def test_the_streams_are_apart(interpreter: Interpreter) -> None:
    """Each in the order of its prints."""
    ended = await _run(
        interpreter, "import sys\nfor i in range(2):\n  print(i)\n  print(-i, file=sys.stderr)"
    )

    assert ("0\n1\n", "0\n-1\n") == (ended.printed.stdout, ended.printed.stderr)


async def test_a_call_suspends_and_its_answer_resumes(interpreter: Interpreter) -> None:
    """The heart of it: state before the call is there after it."""
    calls, finished = await _through(
        interpreter, "kept = [1]\nkept.append(look(2, at='x'))\nkept.append(tell())\nkept", 7, [8]
    )

    assert [
        ToolCall(tool="look", args=(2,), kwargs={"at": "x"}),
        ToolCall(tool="tell"),
    ] == calls
    assert Finished(result=[1, 7, [8]]) == finished


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("await look(1)", ["look"]),
        ("f = look\nf(1)", ["look"]),
        ("import asyncio\nasync def f():\n    return await look(1)\nasyncio.run(f())", ["look"]),
        ("[f(1) for f in (look, tell)][1]", ["look", "tell"]),
        ("import time\ntime.sleep(1)\n1", ["sleep"]),
        ("import asyncio\nawait asyncio.sleep(1)\n1", ["sleep"]),
        (
            (
                "import asyncio\nasync def f(g):\n    return await g(1)\n"
                "(await asyncio.gather(f(look), f(tell)))[1]"
            ),
            ["look", "tell"],
        ),
        (
            "import asyncio\nawait asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))\n1",
            ["sleep", "sleep"],
        ),
    ],
    ids=["await", "value", "asyncio", "values", "time", "await-sleep", "gather", "gather-sleep"],
)
async def test_a_tool_can_be_called_in_every_way(
    interpreter: Interpreter, code: str, asked: list[str]
) -> None:
    """Calls that code makes at once are asked for one after another."""
    calls, finished = await _through(interpreter, code, *[1] * len(asked))

    assert asked == [call.tool for call in calls]
    assert Finished(result=1) == finished


async def test_an_error_is_raised_where_the_call_is(interpreter: Interpreter) -> None:
    """Of the class that it names, so that code can catch it."""
    code = "try:\n    look()\nexcept PermissionError as error:\n    said = str(error)\nsaid"

    _, finished = await _through(
        interpreter, code, ToolError(type="PermissionError", message="not yours")
    )

    assert Finished(result="not yours") == finished


async def test_an_error_of_no_known_class_is_a_runtime_error(interpreter: Interpreter) -> None:
    """Nothing of the platform's own classes is in the sandbox."""
    code = "try:\n    look()\nexcept RuntimeError as error:\n    said = str(error)\nsaid"

    _, finished = await _through(interpreter, code, ToolError(type="Strange", message="no"))

    assert Finished(result="no") == finished


async def test_awaited_calls_survive_a_plain_one(interpreter: Interpreter) -> None:
    """One task awaits, another one calls: both get their answers, in every order."""
    code = (
        "import asyncio\nasync def f(x): return await look(x)\nasync def g(): return tell() + 1\n"
        "async def h():\n    await asyncio.sleep(1)\n    return tell() + 2\n"
        "await asyncio.gather(f('a'), g(), h(), f('b'))"
    )

    calls, finished = await _through(interpreter, code, 10, "A", None, "B", 20)

    assert ["tell", "look", "sleep", "look", "tell"] == [call.tool for call in calls]
    assert Finished(result=["A", 11, 22, "B"]) == finished


async def test_a_fast_lane_ends_in_time(interpreter: Interpreter) -> None:
    """What does not end within its seconds is given up, and tells so."""
    with pytest.raises(NotInTimeError):
        await interpreter.start(
            "while True: pass", {}, tenant_id="acme", limits=DEFAULT, within_s=0.05
        )


@pytest.mark.parametrize("snapshot", [b"", b"{}\nabc"], ids=["empty", "other"])
async def test_what_is_no_snapshot_is_refused(interpreter: Interpreter, snapshot: bytes) -> None:
    """Rather than run anything."""
    with pytest.raises(SnapshotError):
        await interpreter.resume(snapshot, Answer(), tenant_id="acme", output_left=1)


async def test_a_snapshot_of_another_interpreter_is_refused(interpreter: Interpreter) -> None:
    """By a sentence that names both versions: which worker can read it is the operator's matter."""
    begun = await interpreter.start("look()", {}, tenant_id="acme", limits=DEFAULT)
    assert isinstance(begun, Asked)
    head, _, dump = begun.snapshot.partition(b"\n")
    other = head.replace(b'"interpreter":"', b'"interpreter":"0.') + b"\n" + dump[:-1]

    with pytest.raises(SnapshotError, match=r"^Monty 1\..+ snapshot, which Monty 0\..+ wrote: "):
        await interpreter.resume(other, Answer(), tenant_id="acme", output_left=1)
