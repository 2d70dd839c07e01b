"""The command line as a person meets it, run as a process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App

from contextworker.cli.app import make_app
from contextworker.cli.stack.prepare import module_names

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
Call = Callable[..., Any]
COMMANDS = [
    "demo",
    "up",
    "down",
    "start",
    "status",
    "watch",
    "cancel",
    "tasks",
    "schedules",
    "modules",
    "token",
    "deploy",
    "harvest",
    "brain",
    "new-module",
    "release",
]


def test_help_lists_every_command(cli: Cli) -> None:
    """`contextworker` alone says what there is."""
    result = cli("--help")
    assert 0 == result.returncode
    for command in COMMANDS:
        assert f" {command} " in result.stdout


def test_the_help_of_a_command_is_more_than_its_line_in_the_list(cli: Cli) -> None:
    """Exit codes, what Ctrl-C does, and examples to copy are told where somebody looks for them."""
    told = " ".join(cli("run", "--help").stdout.split())
    assert "Exit code 0: it came to its end" in told
    assert "contextworker run report.py --input days:=7" in told


def test_help_loads_no_heavy_library() -> None:
    """Help is fast because it loads neither gRPC nor SQLAlchemy nor Temporal."""
    code = (
        "import sys\n"
        "from contextworker.cli.app import run_command\n"
        "try: run_command(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'grpc', 'sqlalchemy', 'temporalio', 'psutil', 'contextcore'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_late_ctrl_c_shows_nobody_where_it_was() -> None:
    """A second one comes where the first has done its work, or the command is over anyway."""
    code = (
        "import gc, os, signal, sys\n"
        "gc.collect = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        "from contextworker.cli.__main__ import main\n"
        "sys.argv = ['contextworker', 'run', '-c', '']\n"
        "main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert (2, False) == (ended.returncode, b"Traceback" in ended.stderr)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded(name: str) -> None:
    """No path in the list of commands leads nowhere."""
    assert isinstance(make_app()[name], App)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nope"], 2, 'Unknown command "nope"'),
        (["start"], 2, "WORKFLOW_TYPE requires an argument"),
        (["start", "harvest", "oops"], 2, "'oops' is no field"),
        (["start", "harvest", "workflow_type=x"], 2, "is the first argument"),
        (["status", "w", "--address", "127.0.0.1:1"], 1, "No gateway answers at 127.0.0.1:1"),
        (["watch", "w", "--address", "127.0.0.1:1"], 1, "No gateway answers at 127.0.0.1:1"),
        (["modules", "--address", "127.0.0.1:1"], 1, "contextworker up"),
        (["brain", "products"], 1, "There is no Brain here"),
        (["brain", "products", "--limit", "many"], 2, "many"),
        (["brain", "products", "--limit", "0"], 2, "Must be >= 1"),
        (["brain", "runs", "--limit", "99999999999999999999"], 2, "Must be <= "),
        (["modules", "--address", "localhost"], 2, "'localhost' is no address"),
        (["modules", "--address", "http://127.0.0.1:50052"], 2, "write HOST:PORT"),
        (["modules", "--address", "127.0.0.1:99999"], 2, "write HOST:PORT"),
        (["modules", "--address", "[::1]:1"], 1, "No gateway answers at [::1]:1"),
        (["up", "--port", "http"], 2, "http"),
    ],
)
def test_a_wrong_call_is_a_sentence_and_an_exit_code(
    call: Call, arguments: list[str], code: int, says: str
) -> None:
    """No mistake at the command line ends in a traceback."""
    called = call(*arguments)
    assert code == called.code
    assert says in " ".join(called.err.replace("│", " ").split())
    assert not called.out


@pytest.mark.parametrize("command", [["modules"], ["demo"], ["up"], ["down"]])
def test_a_setting_that_cannot_be_is_named(
    call: Call, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """A slip in the environment is said by the variable's name."""
    monkeypatch.setenv("CONTEXTWORKER_SHUTDOWN_GRACE_S", "-5")
    called = call(*command)
    assert 1 == called.code
    assert "CONTEXTWORKER_SHUTDOWN_GRACE_S: Input should be greater than" in called.err


def test_looking_makes_no_brain(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrong path in BRAIN_URL is said, not made."""
    monkeypatch.setenv("BRAIN_URL", f"sqlite:///{tmp_path}/typo/brain.db")
    called = call("brain", "products")
    assert 1 == called.code
    assert "There is no Brain at" in called.err
    assert [] == list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_sentence(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a person can mend comes without a traceback."""
    state = tmp_path / "full"
    state.mkdir()
    (state / "stack.json.new").symlink_to("/dev/full")
    monkeypatch.setenv("CONTEXTWORKER_STATE_DIR", str(state))
    monkeypatch.setenv("CONTEXTWORKER_SUPPLIERS_DIR", str(tmp_path))
    called = call("up")
    assert 1 == called.code
    assert "No space left on device" in called.err


def test_commands_to_type_next_work_as_this_one_did(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under `uv run` the executable is on no PATH but uv's."""
    monkeypatch.setenv("UV", "/usr/bin/uv")
    assert "uv run contextworker up" in call("modules", "--address", "127.0.0.1:1").err
    monkeypatch.delenv("UV")
    assert "uv run" not in call("modules", "--address", "127.0.0.1:1").err


def test_nothing_runs_where_nothing_was_started(call: Call) -> None:
    """Stopping what does not run is no failure."""
    assert (0, "", "No stack runs here.\n") == call("down")


def test_without_suppliers_the_way_out_is_said(cli: Cli, tmp_path: Path) -> None:
    """The demo outside a clone says what it misses, and leaves nothing behind."""
    result = cli("demo", env={"CONTEXTWORKER_SUPPLIERS_DIR": str(tmp_path / "none")})
    assert 1 == result.returncode
    assert "CONTEXTWORKER_SUPPLIERS_DIR names no folder" in result.stderr
    assert [] == list(tmp_path.iterdir())


def test_an_unknown_module_is_named_beside_the_known_ones(cli: Cli) -> None:
    """`--temporal --modules` lists what can be run."""
    result = cli("--temporal", "--modules", "nope")
    assert 2 == result.returncode
    assert f"unknown module nope; known: {', '.join(module_names())}" in result.stderr


def test_modules_without_temporal_is_a_usage_error(cli: Cli) -> None:
    """`--modules` alone would start the wrong thing."""
    result = cli("--modules", "harvest")
    assert 2 == result.returncode
    assert "--temporal" in result.stderr
