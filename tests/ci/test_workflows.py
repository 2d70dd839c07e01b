"""What the workflows run, run here: the same lines, in a folder like a runner's."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"


def _jobs(workflow: str) -> dict[str, Any]:
    jobs: dict[str, Any] = YAML(typ="safe").load(WORKFLOWS / workflow)["jobs"]
    return jobs


def _lines(workflow: str, job: str) -> list[str]:
    return [step["run"] for step in _jobs(workflow)[job]["steps"] if "run" in step]


def _run(line: str, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", line],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("results", "passes"),
    [
        ("success success success", True),
        ("success skipped success", True),
        ("success failure skipped", False),
        ("cancelled success success", False),
    ],
)
def test_the_gate_lets_only_good_changes_through(
    results: str, passes: object, tmp_path: Path
) -> None:
    """Branch protection asks for this one job."""
    (line,) = _lines("ci.yml", "gate")
    assert passes == (0 == _run(line, tmp_path, RESULTS=results).returncode)


def test_the_gate_waits_for_every_job() -> None:
    """A job that the gate forgets could fail unseen."""
    jobs = _jobs("ci.yml")
    assert set(jobs) - {"gate"} == set(jobs["gate"]["needs"])


@pytest.mark.parametrize("job", ["system", "containers"])
def test_a_change_of_the_tests_alone_runs_them(job: str) -> None:
    """It affects no member; the folder tests/ holds what both jobs run."""
    assert "needs.affected.outputs.system == 'true'" == _jobs("ci.yml")[job]["if"]


def test_every_change_has_the_pages_followed() -> None:
    """One of words alone may break a block; one of code alone may break what a page shows."""
    job = _jobs("ci.yml")["pages"]

    assert "if" not in job
    assert '.ci/tests -n 0 -m "slow or not slow" tests/docs' in _lines("ci.yml", "pages")


def test_the_scripts_that_the_workflows_call_are_there() -> None:
    """A renamed script would be missed on GitHub only."""
    called = {
        word
        for workflow in WORKFLOWS.glob("*.yml")
        for job in _jobs(workflow.name)
        for line in _lines(workflow.name, job)
        for word in line.split()
        if word.startswith(".ci/")
    }
    assert called
    assert [] == [script for script in sorted(called) if not os.access(ROOT / script, os.X_OK)]


@pytest.mark.timeout(400)  # it builds wheels, and installs them
def test_a_release_goes_from_its_tag_to_a_tried_wheel(tmp_path: Path) -> None:
    """The lines of the jobs check, build and smoke, in a clone, one after the other."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    project = tomllib.loads((clone / "packages/brain/pyproject.toml").read_text())["project"]
    version = project["version"]
    (clone / "packages/brain/CHANGELOG.md").write_text(f"## {version} (2026-11-22)\n\n- Notes.\n")
    for note in (clone / "packages/brain/changelog.d").glob("*"):
        note.unlink()
    output = tmp_path / "output"
    (check,) = _lines("release.yml", "check")
    env = {"GITHUB_REF_NAME": f"brain-v{version}", "GITHUB_OUTPUT": str(output)}
    done = _run(check, clone, **env)
    assert 0 == done.returncode, done.stderr
    named = dict(line.split("=") for line in output.read_text().splitlines())
    assert _jobs("release.yml")["check"]["outputs"].keys() <= named.keys()

    assert ("false", '["ubuntu-24.04"]') == (named["compiled"], named["runners"])
    build, _ = _lines("release.yml", "build")
    done = _run(build, clone, PACKAGE=named["package"])
    assert 0 == done.returncode, done.stderr
    # What the wheel needs is on no index yet: the members of this tree stand for it.
    subprocess.run(
        ["uv", "build", "--quiet", "--wheel", "--package", "contextworker-core", "-o", tmp_path],
        cwd=clone,
        check=True,
    )
    for smoke in _lines("release.yml", "smoke"):
        done = _run(smoke, clone, FOLDER=named["folder"], UV_FIND_LINKS=str(tmp_path))
        assert 0 == done.returncode, done.stderr
    # The last time beside the lowest that it allows.
    (pydantic,) = (each for each in project["dependencies"] if each.startswith("pydantic>="))
    assert pydantic.replace(">=", "==") + ".0" in done.stdout.splitlines()


@pytest.mark.timeout(400)
@pytest.mark.slow  # what it adds to the test before is the compiled wheel
@pytest.mark.skipif(
    not (shutil.which("cc") and Path(sysconfig.get_path("include"), "Python.h").exists()),
    reason="it needs a C compiler, and Python's headers",
)
def test_core_is_released_with_a_wheel_for_this_machine_too(tmp_path: Path) -> None:
    """Both wheels are tried; of both, an installer takes the compiled one."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    build = _lines("release.yml", "build")
    smoke, _ = _lines("release.yml", "smoke")

    for line in (*build, smoke):
        done = _run(line, clone, PACKAGE="contextworker-core")
        assert 0 == done.returncode, done.stderr

    pure, compiled = sorted(path.name for path in (clone / "dist").glob("*.whl"))[::-1]
    tried = [line for line in done.stdout.splitlines() if line.startswith("# ")]
    assert pure.endswith("-py3-none-any.whl")
    assert re.search(r"-cp311-abi3-(manylinux2014|macosx_11_0)_", compiled), compiled
    assert {f"# {pure}", f"# {compiled}"} == set(tried)
    chosen = subprocess.run(
        [
            *("uv", "pip", "install", "--no-deps", "--dry-run", "--verbose", "--target", tmp_path),
            *("--find-links", clone / "dist", "--no-index", "contextworker-core"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stderr
    assert compiled in chosen


def test_what_a_pull_request_builds_is_valid_for_a_matrix(tmp_path: Path) -> None:
    """An image is built of every member that can be run."""
    (line,) = _lines("images.yml", "members")
    output = tmp_path / "output"
    assert 0 == _run(line, ROOT, GITHUB_OUTPUT=str(output)).returncode
    named = dict(line.split("=") for line in output.read_text().splitlines())
    assert {"gateway", "harvest"} <= set(json.loads(named["images"]))


@pytest.mark.parametrize("owner", ["ContextUnity", "someone"])
def test_an_image_has_a_lower_case_name(owner: str, tmp_path: Path) -> None:
    """A registry refuses the owner's capitals."""
    line = next(line for line in _lines("images.yml", "tag") if "ghcr.io" in line)
    output = tmp_path / "output"
    env = {"GITHUB_REPOSITORY_OWNER": owner, "GITHUB_OUTPUT": str(output), "MEMBER": "harvest"}
    assert 0 == _run(line, tmp_path, **env).returncode
    assert f"name=ghcr.io/{owner.lower()}/contextworker/harvest\n" == output.read_text()
