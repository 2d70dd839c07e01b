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

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
Spawn = Callable[..., Any]
READY = "contextworker start harvest"
HARVEST = ("start", "harvest", "supplier_code=camping-trade", "tenant_id=my_project")
WORKFLOW = "harvest-my_project-camping-trade"


def _json(result: "subprocess.CompletedProcess[str]") -> Any:
    assert 0 == result.returncode, result.stderr
    return json.loads(result.stdout)


def _state(folder: Path) -> Any:
    return json.loads((folder / ".contextworker" / "stack.json").read_bytes())


def _process(folder: Path, name: str) -> psutil.Process:
    (pid,) = [p["pid"] for p in _state(folder)["processes"] if p["name"] == name]
    return psutil.Process(pid)


def test_the_stack_survives_being_killed(spawn: Spawn, cli: Cli, tmp_path: Path) -> None:
    """Harvest, look, kill everything outright, start again: it is all still there."""
    up = spawn("up")
    up.says(READY)

    watched = cli(*HARVEST, "--watch", "--json")
    assert 224 == _json(watched)["result"]["inserted"]
    again = _json(cli(*HARVEST, "--json"))
    assert WORKFLOW == again["workflow_id"]
    assert "completed" == _json(cli("watch", WORKFLOW, "--json"))["status"]
    assert {"gardener", "harvest"} == {m["name"] for m in _json(cli("modules", "--json"))}
    assert 0 == cli("modules").returncode

    refused = cli("start", "harvest", "supplier=camping-trade")
    assert 1 == refused.returncode
    assert "payload.supplier_code: is required" in refused.stderr
    unknown = cli("start", "harvestt")
    assert 1 == unknown.returncode
    assert "known: gardener, harvest" in unknown.stderr
    failed = cli("start", "harvest", "supplier_code=nobody", "--watch")
    assert 1 == failed.returncode
    assert "there is no supplier 'nobody'" in failed.stdout
    nowhere = cli("status", "nothing")
    assert (1, True) == (nowhere.returncode, "there is no run 'nothing'" in nowhere.stderr)

    second = cli("up")
    assert 0 == second.returncode
    assert "already running here" in second.stderr
    assert _state(tmp_path)["gateway"] in second.stdout

    worker = _process(tmp_path, "harvest-worker")
    worker.kill()
    up.says("harvest-worker is back")
    assert worker.pid != _process(tmp_path, "harvest-worker").pid

    children = up.children()
    assert -signal.SIGKILL == up.interrupt(signal.SIGKILL)
    assert [] == psutil.wait_procs(children, timeout=10)[1]
    assert 1 == cli("status", WORKFLOW).returncode
    assert 224 == len(_json(cli("brain", "products", *TENANT, "--limit", "999", "--json")))

    up = spawn("up")
    up.says(READY)
    assert "was killed; its data is kept" in up.text
    assert "completed" == _json(cli("status", WORKFLOW, "--json"))["status"]
    assert "completed" in cli("start", "gardener", "tenant_id=my_project", "--watch").stdout
    assert "CT-" in cli("brain", "products", *TENANT, "--search", "tent").stdout
    assert 10 == len(_json(cli("brain", "rejects", *TENANT, "--json")))
    assert "camping-trade" in cli("brain", "runs", *TENANT).stdout

    assert 0 == cli("down").returncode
    assert 128 + signal.SIGTERM == up.process.wait(30)
    assert [] == up.children()
    assert not (tmp_path / ".contextworker" / "stack.json").exists()


TENANT = ("--tenant", "my_project")


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
    assert [] == up.children()
    assert (tmp_path / ".contextworker" / "temporal.db").exists()
    assert not (tmp_path / ".contextworker" / "stack.json").exists()
