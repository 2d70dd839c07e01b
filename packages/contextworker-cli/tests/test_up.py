"""`contextworker up` and every command against it."""

import json
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from contextworker.cli.stack.prepare import module_names

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
Spawn = Callable[..., Any]
Call = Callable[..., Any]
# A stack is five processes, each of which takes seconds to start where others work, too.
pytestmark = pytest.mark.timeout(300)
TENANT = ("--tenant", "my_project")
READY = "contextworker start harvest"
HARVEST = ("start", "harvest", "supplier_code=camping-trade", "tenant_id=my_project")
WORKFLOW = "harvest-my_project-camping-trade"


def _json(called: Any) -> Any:
    assert 0 == called.code, called.err
    return json.loads(called.out)


def _state(folder: Path) -> Any:
    return json.loads((folder / ".contextworker" / "stack.json").read_bytes())


def _process(folder: Path, name: str) -> psutil.Process:
    (pid,) = [p["pid"] for p in _state(folder)["processes"] if p["name"] == name]
    return psutil.Process(pid)


@pytest.mark.slow  # two stacks, one after another
def test_the_stack_survives_being_killed(
    spawn: Spawn, cli: Cli, call: Call, tmp_path: Path
) -> None:
    """Harvest, look, kill everything outright, start again: it is all still there."""
    up = spawn("up")
    up.says(READY)
    _harvest(call)
    _ask_for_the_wrong_things(call)

    second = cli("up")
    assert 0 == second.returncode
    assert "already running here" in second.stderr
    assert _state(tmp_path)["gateway"] in second.stdout

    worker = _process(tmp_path, "harvest-worker")
    worker.kill()
    up.says("harvest-worker is back")
    assert worker.pid != _process(tmp_path, "harvest-worker").pid

    assert -signal.SIGKILL == up.interrupt(signal.SIGKILL)
    assert [] == up.left()
    assert 1 == call("status", WORKFLOW, "--address", _state(tmp_path)["gateway"]).code
    assert 224 == len(_json(call("brain", "products", *TENANT, "--limit", "999", "--json")))

    up = spawn("up")
    up.says(READY)
    assert "was killed; its data is kept" in up.text
    assert "completed" == _json(call("status", WORKFLOW, "--json"))["status"]
    _enrich(call)

    assert 0 == cli("down").returncode
    assert 128 + signal.SIGTERM == up.process.wait(100)
    assert [] == up.left()
    assert not (tmp_path / ".contextworker" / "stack.json").exists()


def _harvest(call: Call) -> None:
    assert 224 == _json(call(*HARVEST, "--watch", "--json"))["result"]["inserted"]
    assert WORKFLOW == _json(call(*HARVEST, "--json"))["workflow_id"]
    assert "completed" == _json(call("watch", WORKFLOW, "--json"))["status"]
    assert set(module_names()) == {m["name"] for m in _json(call("modules", "--json"))}
    assert "supplier_code" in call("modules").out


def _enrich(call: Call) -> None:
    gardener = call("start", "gardener", "tenant_id=my_project", "--watch")
    assert (0, True) == (gardener.code, "completed" in gardener.out)
    assert "CT-" in call("brain", "products", *TENANT, "--search", "tent").out
    assert 5 == len(_json(call("brain", "rejects", *TENANT, "--json")))
    assert "camping-trade" in call("brain", "runs", *TENANT).out
    count = "len(products('tent', enrichment_status='done'))"
    assert (0, "27\n") == call("run", "-c", count, *TENANT)[:2]


def _ask_for_the_wrong_things(call: Call) -> None:
    refused = call("start", "harvest", "supplier=camping-trade")
    assert 1 == refused.code
    assert "payload.supplier_code: is required" in refused.err
    unknown = call("start", "harvestt")
    assert 1 == unknown.code
    known = unknown.err.partition("known: ")[2]
    assert [True, True] == [name in known for name in ("gardener", "harvest")]
    failed = call("start", "harvest", "supplier_code=nobody", "--watch")
    assert 1 == failed.code
    assert "there is no supplier 'nobody'" in failed.out
    nowhere = call("status", "nothing")
    assert 1 == nowhere.code
    assert "there is no run 'nothing'" in nowhere.err


@pytest.mark.parametrize("option", ["--port", "--ui-port", "--temporal-port"])
def test_a_port_in_use_is_named(cli: Cli, option: str) -> None:
    """A port a person fixed is not replaced, and nothing is started."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        result = cli("up", option, str(port))
    assert 1 == result.returncode
    assert f"Port {port} for " in result.stderr
    assert f"or give another {option}" in result.stderr


def test_ctrl_c_stops_a_stack_and_keeps_its_data(spawn: Spawn, tmp_path: Path) -> None:
    """Interrupted while it starts, `up` stops what it started and keeps its folder."""
    up = spawn("up")
    up.says("temporal is ready")
    assert 130 == up.interrupt(signal.SIGINT)
    assert "Traceback" not in up.text
    assert [] == up.left()
    assert (tmp_path / ".contextworker" / "temporal.db").exists()
    assert not (tmp_path / ".contextworker" / "stack.json").exists()
