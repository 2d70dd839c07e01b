"""What becomes of values that leave the sandbox, and of exceptions."""

import pytest
from pydantic import JsonValue

from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Asked, Ended
from contextworker.sandbox.limits import DEFAULT
from contextworker.sandbox.messages import Finished, ToolCall


async def _run(interpreter: Interpreter, code: str) -> Ended:
    stop = await interpreter.start(code, {}, tenant_id="acme", limits=DEFAULT)
    assert isinstance(stop, Ended)
    return stop


@pytest.mark.parametrize(
    "value",
    [None, True, "é", 0, -(2**53), 1.5, [], {"a": [1, {"b": None}]}],
    ids=repr,
)
async def test_what_can_travel_is_the_result_as_it_is(
    interpreter: Interpreter, value: JsonValue
) -> None:
    """The rules are those of every payload."""
    ended = await _run(interpreter, repr(value))

    assert Finished(result=value) == ended.finished


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("(1, 'a')", "(1, 'a')"),
        ("[{2}]", "[{2}]"),
        ("2 ** 60", "1152921504606846976"),
        ("10 ** 5000", "<an integer of 16610 bits>"),
        ("float('nan')", "nan"),
        ("b'a'", "b'a'"),
        ("{1: 2}", "{1: 2}"),
        ("from decimal import Decimal\nDecimal('1.10')", "Decimal('1.10')"),
        ("import datetime\ndatetime.date(2026, 1, 2)", "datetime.date(2026, 1, 2)"),
        (
            "class A:\n    def __init__(self, x): self.x = x\n{'a': A([A(1)]), 'b': A}",
            "{'a': A(x=[A(x=1)]), 'b': <class 'A'>}",
        ),
        ("print", "<function 'print'>"),
        ("x = []\nfor i in range(40): x = [x]\nx", "[" * 32 + "[...]" + "]" * 32),
        ("ValueError('x')", "ValueError('x')"),
    ],
    ids=[
        "tuple",
        "set",
        "large",
        "huge",
        "nan",
        "bytes",
        "keys",
        "decimal",
        "date",
        "objects",
        "builtin",
        "nested",
        "exception",
    ],
)
async def test_what_cannot_travel_is_shown(interpreter: Interpreter, code: str, shown: str) -> None:
    """As Python would show it, and the result says that it is."""
    ended = await _run(interpreter, code)

    assert Finished(result=shown, result_is_repr=True) == ended.finished


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "look((1,))",
            "look(): argument 1 is a tuple, which would come back as a list; send a list",
        ),
        ("look(1, {2})", "look(): argument 2 is a set; send a JSON value"),
        ("look(at=b'x')", "look(): argument at is bytes; send text, or base64 as a string"),
        (
            "look(at=[{'a': float('inf')}])",
            "look(): argument at[0].a is inf, which is no number; send null or a string",
        ),
        ("look(2 ** 60)", "look(): argument 1 is an integer beyond ±2^53; send it as a string"),
        ("import time\ntime.sleep(float('inf'))", None),
    ],
    ids=["tuple", "set", "bytes", "inside", "integer", "sleep"],
)
async def test_a_tool_takes_what_can_travel(
    interpreter: Interpreter, call: str, message: str | None
) -> None:
    """What cannot is an error in the code, which it can catch; no call is made."""
    ended = await _run(
        interpreter,
        "try:\n    " + call.replace("\n", "\n    ") + "\nexcept Exception as e:\n    r = e\nstr(r)",
    )

    assert isinstance(ended.finished.result, str)
    assert message in (None, ended.finished.result)


async def test_arguments_are_as_code_gave_them(interpreter: Interpreter) -> None:
    """By position and by name."""
    stop = await interpreter.start(
        "look(1, [None, 'é'], where={'a': True})", {}, tenant_id="acme", limits=DEFAULT
    )

    assert isinstance(stop, Asked)
    assert ToolCall(tool="look", args=(1, [None, "é"]), kwargs={"where": {"a": True}}) == stop.call


async def test_an_exception_ends_code_with_its_traceback(interpreter: Interpreter) -> None:
    """That of the code: no file of ours is in it, and what it printed before stands."""
    ended = await _run(
        interpreter,
        "import sys\nprint('out')\nprint('err', file=sys.stderr, end='')\n"
        "def f(x):\n    return 1 / x\nf(0)",
    )

    assert ended.finished.error is not None
    assert ("ZeroDivisionError", "division by zero", 5) == (
        ended.finished.error.type,
        ended.finished.error.message,
        ended.finished.error.line,
    )
    assert "out\n" == ended.printed.stdout
    assert (
        "err\nTraceback (most recent call last):\n"
        '  File "main.py", line 6, in <module>\n    f(0)\n    ~~~~\n'
        '  File "main.py", line 5, in f\n    return 1 / x\n           ~~~~~\n'
        "ZeroDivisionError: division by zero\n"
    ) == ended.printed.stderr


@pytest.mark.parametrize(
    ("code", "kind", "message", "line"),
    [
        ("1 +", "SyntaxError", "Expected an expression", 1),
        ("x = 1\nnowhere", "NameError", "name 'nowhere' is not defined", 2),
        ("nowhere()", "NameError", "name 'nowhere' is not defined", 1),
        ("raise ValueError", "ValueError", "", 1),
        ("import json\njson.loads('{')", "JSONDecodeError", "Expecting", 2),
        ("raise SystemExit('over')", "SystemExit", "over", 1),
        ("raise KeyError('a')", "KeyError", "a", 1),
        (
            "import asyncio\nawait asyncio.gather(1)",
            "TypeError",
            "call tools one after another",
            2,
        ),
    ],
    ids=["syntax", "name", "call", "empty", "dotted", "exit", "key", "gather"],
)
async def test_an_error_says_what_and_where(
    interpreter: Interpreter, code: str, kind: str, message: str, line: int
) -> None:
    """Its class, its message and its line."""
    error = (await _run(interpreter, code)).finished.error

    assert error is not None
    assert (kind, line) == (error.type, error.line)
    assert message in error.message


async def test_a_long_message_is_cut(interpreter: Interpreter) -> None:
    """It travels in every answer about the run."""
    ended = await _run(interpreter, "raise ValueError('x' * 1_000_000)")

    assert ended.finished.error is not None
    assert 2000 == len(ended.finished.error.message)
    assert DEFAULT.output_bytes == len(ended.printed.stderr)
