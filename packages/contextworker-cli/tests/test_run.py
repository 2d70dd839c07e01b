"""`contextworker run`: what is sent, and what a program came to, as if it had run here."""

import io
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from rich.console import Console
from scripted_gateway import Answer, Hang, ScriptedGateway, refusal

from contextworker.cli.output.console import print_json
from contextworker.cli.output.views import progress_view
from contextworker.core.client import TaskStatus

Call = Callable[..., Any]
RUN = {"workflow_id": "execute_code-acme-1", "run_id": "r"}
CAME_TO = {"result": {"tents": 40}, "stdout": "counting\n", "stderr": "careful\n"}
DONE: dict[str, Any] = {**RUN, "status": "completed", **CAME_TO}
RUNNING: Answer = {**RUN, "status": "running"}


def doing(*steps: tuple[str, str]) -> Answer:
    """A running program that has made calls."""
    told = [{"name": name, "detail": "(tent)", "status": status} for name, status in steps]
    progress = {"stage": "waiting", "done": len(steps), "unit": "calls", "steps": told}
    return {**RUN, "status": "running", "progress": progress}


def test_what_a_program_writes_goes_where_it_wrote_it(ask: Call, tmp_path: Path) -> None:
    """Its two streams are this command's, and the value of its last expression comes last."""
    (tmp_path / "count.py").write_text("print('counting')", encoding="utf-8-sig")
    called = ask("run", "count.py", answers=[DONE])
    assert (0, 'counting\n{\n  "tents": 40\n}\n') == (called.code, called.out)
    assert "careful\n" == called.err


def test_what_is_given_is_sent(ask: Call, gateway: ScriptedGateway) -> None:
    """Inputs are written as fields are; a time is a number."""
    options = ("-i", "name=tent", "--input", "days:=7", "--timeout", "2.5", "--tenant", "acme")
    called = ask("run", "-c", "days", *options, answers=[DONE])
    assert 0 == called.code, called.err
    sent = {"code": "days", "inputs": {"name": "tent", "days": 7}, "timeout": 2.5}
    assert [{**sent, "tenant_id": "acme"}] == gateway.payloads
    assert "ExecuteCode" == gateway.asked[0].rpc


def test_a_program_may_come_by_standard_input(
    ask: Call, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another program writes."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("'намет'".encode())))
    ask("run", "-", answers=[DONE])
    assert [{"code": "'намет'"}] == gateway.payloads


@pytest.mark.parametrize(
    ("came_to", "shown"),
    [
        ({}, ""),
        ({"result": None}, ""),
        ({"result": 0}, "0\n"),
        ({"result": "намет"}, '"намет"\n'),
        ({"result": "<function f>", "result_is_repr": True}, "<function f>\n"),
        ({"stdout": "no line end", "result": 1}, "no line end\n1\n"),
    ],
    ids=["nothing", "none", "zero", "text", "repr", "line-end"],
)
def test_a_value_is_shown_where_there_is_one(
    ask: Call, came_to: dict[str, Any], shown: str
) -> None:
    """As JSON, or as its repr where it cannot travel."""
    called = ask("run", "-c", "x", answers=[{**RUN, "status": "completed", **came_to}])
    assert (0, shown) == (called.code, called.out)


def test_a_program_that_raised_is_told_by_its_traceback(ask: Call) -> None:
    """Once, and by the exit code."""
    trace = "Traceback (most recent call last):\n  line 1\nValueError: no tents\n"
    error = {"type": "ValueError", "message": "no tents", "line": 1}
    called = ask(
        "run", "-c", "x", answers=[{**DONE, "result": None, "stderr": trace, "error": error}]
    )
    assert (1, trace) == (called.code, called.err)


def test_a_limit_is_told_where_no_traceback_tells_it(ask: Call) -> None:
    """An ended program could not write any more."""
    error = {"type": "LimitExceeded", "message": "it computed for 5 s", "limit": "timeout_s"}
    called = ask("run", "-c", "x", answers=[{**RUN, "status": "completed", "error": error}])
    assert (1, "error: LimitExceeded: it computed for 5 s\n") == (called.code, called.err)


def test_a_longer_program_shows_its_calls(ask: Call, gateway: ScriptedGateway) -> None:
    """Each call as it is made and done, and then what the program came to."""
    called = ask(
        "run",
        "-c",
        "x",
        answers=[
            RUNNING,
            [
                doing(("products", "running")),
                doing(("products", "completed")),
                doing(("products", "completed"), ("wait_for", "running")),
                {**RUN, "status": "completed", "result": CAME_TO},
            ],
        ],
    )
    assert 0 == called.code
    name = RUN["workflow_id"]
    assert [
        f"{name}: waiting 1 call · products (tent) running",
        f"{name}: waiting 1 call · products (tent) completed",
        f"{name}: waiting 2 calls · wait_for (tent) running",
        f"{name}: completed",
        "careful",
    ] == called.err.splitlines()
    assert RUN == gateway.payloads[1]
    assert gateway.asked[0].seconds < 4


@pytest.mark.parametrize(
    ("name", "beside"), [("gardener-acme", True), (f"execute_code-acme-{'9' * 36}", False)]
)
def test_a_long_name_takes_no_room_from_what_goes_on(name: str, *, beside: bool) -> None:
    """On a terminal of usual width, the id that code's runs have stands above the bar."""
    terminal = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with progress_view(terminal, name) as view:
        view.show(TaskStatus.model_validate(doing(("wait_for", "running"))))
    assert isinstance(terminal.file, io.StringIO)
    lines = terminal.file.getvalue().splitlines()
    assert [not beside, True] == [name == lines[0].lstrip("\x1b[?25lh"), name in "".join(lines)]
    assert "waiting 1 call · wait_for" in "".join(lines)


def test_status_shows_every_call(ask: Call) -> None:
    """Whatever a run counts one by one."""
    called = ask("status", "w", answers=[doing(("products", "completed"), ("sleep", "running"))])
    assert "calls products (tent) completed sleep (tent) running" in " ".join(called.out.split())


def test_status_shows_a_call_that_was_made_on_a_line(ask: Call) -> None:
    """Also once the run has ended, when calls are part of what it came to."""
    call = {"name": "products", "status": "failed", "detail": "'x' → ValueError"}
    told = {**RUN, "status": "completed", "result": {"calls": [call], "calls_made": 1}}
    called = ask("status", "w", answers=[told])
    assert "calls products 'x' → ValueError failed calls made 1" in " ".join(called.out.split())


def test_a_program_may_be_left_running(ask: Call, gateway: ScriptedGateway) -> None:
    """It is a workflow like any other."""
    called = ask("run", "-c", "x", "--no-wait", answers=[{**RUN, "status": "started"}])
    assert (0, f"{RUN['workflow_id']} started\n") == (called.code, called.out)
    assert f"contextworker watch {RUN['workflow_id']}" in called.err
    assert [{"workflow_type": "execute_code", "code": "x"}] == gateway.payloads


def test_json_is_what_the_gateway_said(ask: Call) -> None:
    """For programs: the same keys at once and after a wait."""
    at_once = ask("run", "-c", "x", "--json", answers=[DONE])
    answers = [RUNNING, [{**RUN, "status": "completed", "result": CAME_TO}]]
    later = ask("run", "-c", "x", "--json", answers=answers)
    assert DONE == json.loads(at_once.out) == json.loads(later.out)


@pytest.mark.parametrize("arguments", [(), ("x.py", "-c", "1")], ids=["none", "both"])
def test_a_program_is_named_in_one_way(call: Call, arguments: tuple[str, ...]) -> None:
    """Neither nothing nor two of them."""
    called = call("run", *arguments)
    assert 2 == called.code
    assert "error: Give the program as a FILE, as - for standard input, or with -c" in called.err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [(("nothing.py",), "nothing.py"), (("-c", ""), "What follows -c"), (("-",), "Standard input")],
    ids=["file", "code", "stdin"],
)
def test_an_empty_program_is_told(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    what: str,
) -> None:
    """Before anything is sent, by the name that it was given."""
    (tmp_path / "nothing.py").touch()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    called = call("run", *arguments)
    assert (2, f"error: {what} is empty: there is no program to run.\n") == (
        called.code,
        called.err,
    )


@pytest.mark.parametrize(
    ("name", "says", "code"),
    [
        ("nothing.py", "nothing.py cannot be read: No such file", 1),
        (".", ". cannot be read: Is a directory.", 1),
        ("picture.py", "picture.py is no text in UTF-8", 2),
    ],
    ids=["missing", "folder", "binary"],
)
def test_a_file_that_is_no_program_is_a_sentence(
    call: Call, tmp_path: Path, name: str, says: str, code: int
) -> None:
    """Nothing is sent."""
    (tmp_path / "picture.py").write_bytes(b"\x89PNG")
    called = call("run", name)
    assert code == called.code
    assert f"error: {says}" in called.err


def test_a_slip_in_an_option_is_told(call: Call) -> None:
    """It is no file, although - is."""
    called = call("run", "--tenat", "-c", "1")
    assert 2 == called.code
    assert "error: There is no option --tenat" in called.err


def test_a_gateway_without_a_sandbox_is_told(ask: Call) -> None:
    """As the gateway words it."""
    nobody = refusal(grpc.StatusCode.UNIMPLEMENTED, "NOT_OFFERED", "this installation runs no code")
    called = ask("run", "-c", "x", answers=[nobody])
    assert (1, "error: this installation runs no code\n") == (called.code, called.err)


def test_nothing_a_program_writes_steers_the_terminal(
    ask: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else may have written it."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    wrote = {"stdout": "a\x1b[2J\tb\n", "result": "c\x9b", "error": None}
    called = ask("run", "-c", "x", answers=[{**DONE, **wrote}])
    assert 'a\\x1b[2J\tb\n"c\\x9b"\n' == called.out
    told = ask("status", "w", answers=[{**RUN, "status": "completed", "result": wrote}])
    assert "a\\x1b[2J" in told.out


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_ctrl_c_leaves_it_running_and_says_how_to_go_on(
    spawn: Callable[..., Any],
    gateway: ScriptedGateway,
    known: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Its workflow is named where the gateway has named it; nothing is cancelled."""
    gateway.answers = [RUNNING, [RUNNING, Hang()], Hang()] if known else [Hang(), Hang(), Hang()]
    running = spawn("run", "-c", "x", env={"WORKER_ADDRESS": gateway.address})
    if known:
        running.says("running")
    else:
        running.until(lambda: gateway.asked, "a call")
    assert 130 == running.interrupt(signal.SIGINT)
    name = RUN["workflow_id"]
    follow = f"watch {name}" if known else "tasks --type execute_code"
    assert f"contextworker {follow}\n" in running.text
    assert f"contextworker cancel {name if known else 'ID'}" in running.text
    assert {"CancelTask"}.isdisjoint(asked.rpc for asked in gateway.asked)


def test_json_steers_no_terminal_either(capsys: pytest.CaptureFixture[str]) -> None:
    """It stays the same value."""
    value = {"stdout": "\x1b[2J \x9b2J \x7f é"}

    print_json(value)

    printed = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\x7f"} & set(printed)
    assert value == json.loads(printed)
