"""`.ci/tests`: what failed is tried once more, and named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / ".ci"
TESTS = """\
from pathlib import Path

MARK = Path(__file__).with_name("mark")


def test_that_loses_a_race():
    seen = MARK.exists()
    MARK.touch()
    assert seen


def test_that_passes():
    assert True


def test_that_is_not_asked_for():
    raise AssertionError
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own with the script, and a test that fails the first time."""
    (tmp_path / ".ci").mkdir()
    for script in ("tests", "ensure-uv"):
        shutil.copy(SCRIPTS / script, tmp_path / ".ci")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "tried"\nversion = "1"\n')
    (tmp_path / "test_tried.py").write_text(TESTS)
    return tmp_path


def run(project: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the script with this environment's pytest."""
    return subprocess.run(
        [project / ".ci" / "tests", *options],
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_what_passes_at_the_second_try_is_named(project: Path) -> None:
    """It refuses nothing, and is not lost in what was printed before."""
    done = run(project, "-k", "race or passes")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert done.stdout.endswith("to be looked into:\ntest_tried.py::test_that_loses_a_race\n")


def test_what_fails_again_ends_it(project: Path) -> None:
    """Also where others passed meanwhile."""
    done = run(project)

    assert 1 == done.returncode, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout.splitlines()[-1]
    assert "to be looked into" not in done.stdout


def test_what_is_no_test_s_failure_is_not_tried_again(project: Path) -> None:
    """A wrong option, or nothing to run."""
    assert 4 == run(project, "--no-such-option").returncode
    assert 5 == run(project, "-k", "nothing").returncode
