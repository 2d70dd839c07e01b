"""What a running stack writes down, so that other commands find it: stack.json."""

import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from contextworker.cli.stack.processes import ProcessState
from contextworker.cli.stack.stack import Stack

STATE_FILE = "stack.json"
LOCK_FILE = "up.lock"


class StackState(BaseModel):
    """A running stack: who runs it and where its parts answer."""

    model_config = ConfigDict(frozen=True)

    up: ProcessState
    ready: bool
    written_at: datetime
    gateway: str
    temporal: str
    ui: str | None
    codec_server: str | None = None
    brain_url: str
    store_url: str
    suppliers_dir: Path
    logs: Path
    processes: list[ProcessState]


def describe_stack(stack: Stack) -> StackState:
    """Describe the stack that this process runs."""
    plan = stack.plan
    this = ProcessState.of(os.getpid(), "up")
    assert this is not None
    children = [
        ProcessState.of(child.pid, child.program.name, child.program.log)
        for child in stack.children
        if child.pid is not None
    ]
    return StackState(
        up=this,
        ready=stack.ready,
        written_at=datetime.now(UTC),
        gateway=plan.gateway,
        temporal=plan.temporal,
        ui=plan.ui,
        codec_server=plan.codec_server,
        brain_url=plan.folders.brain_url,
        store_url=plan.folders.store_url,
        suppliers_dir=plan.suppliers_dir,
        logs=plan.folders.logs,
        processes=[child for child in children if child is not None],
    )


def write_state(folder: Path, state: StackState) -> None:
    """Write stack.json, whole or not at all."""
    temporary = folder / f"{STATE_FILE}.new"
    temporary.write_text(state.model_dump_json(indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / STATE_FILE)


def clear_state(folder: Path) -> None:
    """Say that no stack runs here any more."""
    (folder / STATE_FILE).unlink(missing_ok=True)


def read_state(folder: Path) -> StackState | None:
    """Return the stack written in `folder`, running or not; None where there is none."""
    try:
        return StackState.model_validate_json((folder / STATE_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def here_and_above() -> list[Path]:
    """Return this folder and every one above it."""
    here = Path.cwd()
    return [here, *here.parents]


def find_running(state_dir: Path) -> StackState | None:
    """Return the running stack of this folder, or of the nearest folder above that has one."""
    for folder in here_and_above():
        state = read_state(folder / state_dir)
        if state is not None and state.ready and state.up.running:
            return state
    return None
