"""stack.json: found, believed only while its stack runs, written whole."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contextworker.cli.stack.processes import ProcessState, kill_all
from contextworker.cli.stack.state import StackState, find_running, read_state, write_state

STATE_DIR = Path(".contextworker")


def _state(up: ProcessState, *, ready: bool = True) -> StackState:
    return StackState(
        up=up,
        ready=ready,
        written_at=datetime.now(UTC),
        gateway="127.0.0.1:1",
        temporal="127.0.0.1:2",
        ui=None,
        brain_url="sqlite:////x/brain.db",
        store_url="file:///x",
        suppliers_dir=Path("/x"),
        logs=Path("/x"),
        processes=[],
    )


@pytest.fixture
def this() -> ProcessState:
    """The process that runs the test."""
    found = ProcessState.of(os.getpid(), "up")
    assert found is not None
    return found


def _write(folder: Path, state: StackState) -> None:
    (folder / STATE_DIR).mkdir()
    write_state(folder / STATE_DIR, state)


def test_a_running_stack_is_found_from_below(
    tmp_path: Path, this: ProcessState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands work in any folder under the one `up` runs in."""
    _write(tmp_path, _state(this))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    found = find_running(STATE_DIR)
    assert found is not None
    assert "127.0.0.1:1" == found.gateway


def test_a_pid_that_another_process_has_now_is_not_believed(
    tmp_path: Path, this: ProcessState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a reboot the pid in an old stack.json is somebody else's."""
    _write(tmp_path, _state(this.model_copy(update={"created": this.created - 60})))
    monkeypatch.chdir(tmp_path)
    assert find_running(STATE_DIR) is None


def test_a_stack_that_is_still_starting_is_not_used(
    tmp_path: Path, this: ProcessState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its addresses do not answer yet."""
    _write(tmp_path, _state(this, ready=False))
    monkeypatch.chdir(tmp_path)
    assert find_running(STATE_DIR) is None


@pytest.mark.parametrize("content", ["", "{", '{"up": 1}', "\x00"])
def test_a_broken_file_is_no_stack(tmp_path: Path, content: str) -> None:
    """A file from another version, or half a file, stops nobody."""
    (tmp_path / "stack.json").write_text(content)
    assert read_state(tmp_path) is None


def test_a_process_that_is_somebody_elses_now_is_not_killed(this: ProcessState) -> None:
    """Only the very process that was written down is ended."""
    assert [] == kill_all([this.model_copy(update={"created": this.created - 60})])
