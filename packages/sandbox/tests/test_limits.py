"""What code may use: whose limits are whose, and what going beyond one comes to."""

import re
from pathlib import Path
from typing import Any

import pytest

from contextworker.core.errors import ConfigurationError
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Asked, Ended
from contextworker.sandbox.limits import DEFAULT, read_limits
from contextworker.sandbox.messages import Answer, CodeError


async def _error(interpreter: Interpreter, code: str, **limits: Any) -> CodeError:
    stop = await interpreter.start(
        code, {"given": "x" * 100}, tenant_id="acme", limits=DEFAULT.model_copy(update=limits)
    )
    assert isinstance(stop, Ended)
    assert stop.finished.error is not None
    return stop.finished.error


def test_a_tenant_has_its_own_limits_over_the_default(tmp_path: Path) -> None:
    """A key that its table leaves out is the default's."""
    path = tmp_path / "limits.toml"
    path.write_text("[default]\ntimeout_s = 2\n[tenants.acme]\nmemory_mib = 8\n")
    limits = read_limits(path)

    assert (2, DEFAULT.memory_mib) == (limits.of("b").timeout_s, limits.of("b").memory_mib)
    assert (2, 8) == (limits.of("acme").timeout_s, limits.of("acme").memory_mib)


def test_without_a_file_the_defaults_hold() -> None:
    """For every tenant."""
    assert DEFAULT == read_limits(None).of("acme")


def test_the_readme_tells_the_defaults() -> None:
    """Each of them, as it is."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    told = re.findall(r"^\| `([a-z_]+)` \| ([\d,]+) \|", readme, re.MULTILINE)

    assert DEFAULT.model_dump() == {name: int(value.replace(",", "")) for name, value in told}


@pytest.mark.parametrize(
    ("timeout", "effective"), [(None, 10), (3, 3), (600, 10)], ids=["none", "less", "more"]
)
def test_a_callers_timeout_only_shortens(timeout: float | None, effective: float) -> None:
    """The tenant's own is the most."""
    assert effective == read_limits(None).of("acme", timeout=timeout).timeout_s


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[default]\ntimeout = 2\n", "default.timeout"),
        ("[default]\nmemory_mib = 0\n", "default.memory_mib"),
        ("[default]\nmemory_mib = '8'\n", "default.memory_mib"),
        ("[tenants.acme]\ncalls = -1\n", "tenants.acme.calls"),
        ("[tenants.'a b']\ncalls = 1\n", "tenants.a b"),
        ("[tenants]\nacme = 3\n", "tenants.acme"),
        ("default = 3\n", "default"),
        ("[acme]\ncalls = 1\n", "acme"),
        ("[default]\ntimeout_s = inf\n", "default.timeout_s"),
        ("[default]\noutput_bytes = 1_000_000\n", "default.output_bytes"),
        ("= 3", "no TOML"),
    ],
    ids=[
        "unknown",
        "zero",
        "text",
        "negative",
        "tenant",
        "no-table",
        "no-default",
        "section",
        "endless",
        "more-than-travels",
        "toml",
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """With a sentence that names the file and the key."""
    path = tmp_path / "limits.toml"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as refused:
        read_limits(path)
    assert str(path) in str(refused.value)
    assert named in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """Rather than everybody given the defaults."""
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_limits(tmp_path / "none.toml")


_ANYHOW = "try:\n    {}\nexcept BaseException:\n    pass"


@pytest.mark.parametrize(
    ("code", "limit", "value"),
    [
        ("while True: pass", "timeout_s", 0.1),
        ("'a' * 20_000_000", "memory_mib", 8),
        ("x = ['a']\n    while True: x = x + x", "memory_mib", 8),
        ("while True: print('x' * 100)", "output_bytes", 1000),
    ],
    ids=["time", "memory", "memory-bit-by-bit", "output"],
)
async def test_code_cannot_catch_a_limit(
    interpreter: Interpreter, code: str, limit: str, value: float
) -> None:
    """Whatever it catches."""
    error = await _error(interpreter, _ANYHOW.format(code), **{limit: value})

    assert ("LimitExceeded", limit) == (error.type, error.limit)
    assert f"{value:g}" in error.message


@pytest.mark.parametrize(
    ("code", "limit", "value"),
    [
        ("'x' * 2000", "output_bytes", 1000),
        ("x = [0] * 1000\nfor i in range(20): x = [x] * 1000\nx", "output_bytes", 1000),
        ("1" + " " * 200, "code_bytes", 100),
        ("given", "input_bytes", 50),
        ("look('x' * 2000)", "answer_bytes", 1000),
        ("x = [0] * 1000\nfor i in range(20): x = [x] * 1000\nlook(x)", "answer_bytes", 1000),
        (
            (
                "import asyncio\nasync def f(): return await look('x' * 600)\n"
                "await asyncio.gather(f(), f())"
            ),
            "answer_bytes",
            1000,
        ),
        ("def f(n): return f(n - 1) if n else 0\nf(100)", "recursion", 50),
    ],
    ids=[
        "result",
        "result-by-reference",
        "code",
        "inputs",
        "arguments",
        "arguments-by-reference",
        "arguments-awaited",
        "recursion",
    ],
)
async def test_a_limit_says_which_it_is(
    interpreter: Interpreter, code: str, limit: str, value: float
) -> None:
    """And how much it allows."""
    error = await _error(interpreter, code, **{limit: value})

    assert ("LimitExceeded", limit) == (error.type, error.limit)
    assert f"{value:g}" in error.message


async def test_a_large_answer_exceeds_a_limit(interpreter: Interpreter) -> None:
    """An answer takes part of the code's memory, and of every later snapshot."""
    limits = DEFAULT.model_copy(update={"answer_bytes": 1000})
    asked = await interpreter.start("look()", {}, tenant_id="acme", limits=limits)
    assert isinstance(asked, Asked)

    stop = await interpreter.resume(
        asked.snapshot, Answer(value="x" * 2000), tenant_id="acme", output_left=1000
    )

    assert isinstance(stop, Ended)
    assert stop.finished.error is not None
    assert "answer_bytes" == stop.finished.error.limit


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("raise MemoryError('memory limit exceeded: 9 bytes > 67108864 bytes')", "MemoryError"),
        ("raise MemoryError('the worker exceeded its memory limit')", "MemoryError"),
        ("raise TimeoutError('feed time limit exceeded: 2s > 1s')", "TimeoutError"),
        ("exec(\"raise TimeoutError('feed time limit exceeded')\")", "TimeoutError"),
        ("raise RecursionError('maximum recursion depth exceeded')", "RecursionError"),
        ("raise RuntimeError('suspension limit 1000 exceeded')", "RuntimeError"),
    ],
    ids=["memory", "worker", "time", "exec", "recursion", "suspensions"],
)
async def test_codes_own_exception_is_no_limit(
    interpreter: Interpreter, code: str, raised: str
) -> None:
    """Though it says the same words."""
    error = await _error(interpreter, code)

    assert (raised, None) == (error.type, error.limit)


async def test_recursion_can_be_caught(interpreter: Interpreter) -> None:
    """Nothing is left behind of it: it is the code's own matter, as in Python."""
    stop = await interpreter.start(
        "def f(): f()\ntry:\n    f()\nexcept RecursionError:\n    r = 1\nr",
        {},
        tenant_id="acme",
        limits=DEFAULT,
    )

    assert isinstance(stop, Ended)
    assert 1 == stop.finished.result


async def test_time_counts_over_all_turns(interpreter: Interpreter) -> None:
    """Otherwise a call would begin it anew; waiting for the answer does not count."""
    code = "while True:\n    for i in range(100_000): pass\n    look()"
    limits = DEFAULT.model_copy(update={"timeout_s": 0.1})
    stop = await interpreter.start(code, {}, tenant_id="acme", limits=limits)
    for _ in range(1000):
        if isinstance(stop, Ended):
            break
        stop = await interpreter.resume(stop.snapshot, Answer(), tenant_id="acme", output_left=1000)

    assert isinstance(stop, Ended)
    assert stop.finished.error is not None
    assert "timeout_s" == stop.finished.error.limit


async def test_what_was_printed_before_a_limit_is_there(interpreter: Interpreter) -> None:
    """As much as fits: it tells what the code was doing."""
    stop = await interpreter.start(
        "while True: print('é' * 9)",
        {},
        tenant_id="acme",
        limits=DEFAULT.model_copy(update={"output_bytes": 25, "timeout_s": 600}),
        within_s=14,  # it is stopped there, not when its time is over, nor its process's
    )

    assert "ééééééééé\nééé" == stop.printed.stdout
