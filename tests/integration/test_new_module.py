"""A module from `contextworker new-module` to its first run, on a gateway that nobody touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clones import Project, clone, new_module
from running_system import ROOT, System

from contextworker.core.testing import TemporalServer

pytestmark = pytest.mark.timeout(600)  # packages may have to be fetched first


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[System]:
    """Temporal, and a gateway from this repository's own environment; no worker."""
    folder = tmp_path / "system"
    folder.mkdir()
    system = System(folder, "sqlite:///unused.db", TemporalServer())
    system.temporal.start()
    system.start_gateway()
    yield system
    system.close()


def first_run(system: System, project: Project, executable: str, kind: str) -> object:
    """Start the project's worker beside the gateway, call it over gRPC, return the result."""
    system.start("worker", project.program(executable), says=f"polls {kind}-tasks")
    started = system.call(
        "StartWorkflow", workflow_type=kind, document="fox", text="the quick brown fox the"
    )
    return system.finish(str(started.payload["workflow_id"]))["result"]


def test_a_new_member_is_deployed(tmp_path: Path) -> None:
    """Its overlays render with everybody else's, and name its image."""
    project = clone(tmp_path / "clone")
    new_module(project.folder, "price-watch")

    for variant in ("kubernetes", "kubernetes/controller"):
        folder = project.folder / "deploy" / variant
        manifests = Project(ROOT).run("kubectl", "kustomize", folder)
        assert "image: contextworker/price_watch:0.1.0" in manifests


@pytest.mark.slow  # half a minute
def test_a_new_member_is_clean_and_runs_at_once(gateway: System, tmp_path: Path) -> None:
    """Made, installed, linted, typed, tested, recorded, replayed, served: as its author would."""
    project = clone(tmp_path / "clone")
    new_module(project.folder, "price-watch")
    member = "packages/price_watch"
    project.sync()

    expected = {"document": "fox", "words": 5, "distinct_words": 4}
    assert expected == first_run(gateway, project, "price-watch-worker", "price_watch")

    project.run("ruff", "format", "--check", member)
    project.run("ruff", "check", member)
    project.run("mypy", member)
    project.run("lint-imports")
    recorded = project.run("pytest", "-n0", "-q", member, "--record-histories")
    assert "2 passed" in recorded
    assert {"counted.json", "no-words.json"} == {
        path.name for path in (project.folder / member).glob("tests/histories/0.1.0/*")
    }
    tested = project.run("pytest", "-n0", "-q", member)
    assert "passed" in tested
    assert "skipped" not in tested


@pytest.mark.slow
def test_a_module_outside_the_repository_runs_at_once(gateway: System, tmp_path: Path) -> None:
    """It has the core's wheel, as if from an index, and nothing else of ours."""
    wheels = tmp_path / "wheels"
    Project(ROOT).run(
        "uv", "build", "-q", "--wheel", "--package", "contextworker-core", "-o", wheels
    )
    new_module(tmp_path, "price-watch", "--standalone")
    project = Project(tmp_path / "price-watch", {"UV_FIND_LINKS": str(wheels)})
    project.sync()

    expected = {"document": "fox", "words": 5, "distinct_words": 4}
    assert expected == first_run(gateway, project, "price-watch-worker", "price_watch")

    ours = [line for line in project.run("uv", "pip", "list").splitlines() if "context" in line]
    assert ["contextworker-core"] == [line.split()[0] for line in ours]
    project.run("ruff", "format", "--check")
    project.run("ruff", "check")
    project.run("mypy")
    assert "passed" in project.run("uv", "run", "pytest", "-q")
    project.run("uv", "build", "-q")
