"""A git clone of a small workspace whose members can be released."""

import subprocess
import tomllib
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]
PYPROJECT = """\
[project]
name = "contextworker-{name}"
version = "{version}"
requires-python = ">=3.11"
dependencies = [{dependencies}]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
ROOT = """\
[project]
name = "workspace"
version = "0"
requires-python = ">=3.11"

[tool.uv]
package = false

[tool.uv.workspace]
members = ["packages/*"]

[tool.uv.sources]
contextworker-core = { workspace = true }
contextworker-shop = { workspace = true }
"""
WITH_PYTEST = """
[dependency-groups]
dev = ["pytest"]

[tool.pytest]
testpaths = ["packages"]
"""
CONFTEST = """\
def pytest_addoption(parser):
    parser.addoption("--record-histories", action="store_true")
"""
TEST = """\
import os
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent


def test_sale(request):
    assert request.config.getoption("--record-histories")
    assert os.path.samefile(os.environ["UV_PROJECT_ENVIRONMENT"], sys.prefix)
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    folder = HERE / "histories" / project["version"]
    folder.mkdir(parents=True)
    (folder / "{scenario}").write_text("{{}}")
"""


class Clone:
    """A git clone with members to release."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        for key, value in {
            "user.name": "Someone",
            "user.email": "someone@example.org",
            "commit.gpgSign": "false",
            "tag.gpgSign": "false",
        }.items():
            self.git("config", key, value)
        self.write("towncrier.toml", (REPOSITORY / "towncrier.toml").read_text())

    def git(self, *arguments: str) -> str:
        """Run git here."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        """Write a file and its folders."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def read(self, path: str) -> str:
        """Return a file's text."""
        return (self.root / path).read_text()

    def project(self, folder: str) -> dict[str, Any]:
        """Return a member's metadata."""
        project: dict[str, Any] = tomllib.loads(self.read(f"{folder}/pyproject.toml"))["project"]
        return project

    def member(self, folder: str, version: str, *dependencies: str, extra: str = "") -> None:
        """Write a member with one note."""
        name = Path(folder).name.removeprefix("contextworker-")
        asked = "".join(f'\n    "{each}", # kept' for each in dependencies)
        asked += "\n" if asked else ""
        text = PYPROJECT.format(name=name, version=version, dependencies=asked) + extra
        self.write(f"{folder}/pyproject.toml", text)
        self.write(f"{folder}/src/{name}/__init__.py", "")
        self.write(
            f"{folder}/CHANGELOG.md", "# Changelog\n\n<!-- towncrier release notes start -->\n"
        )
        self.write(f"{folder}/changelog.d/faster.changed.md", "It is faster.\n")

    def module(self, scenario: str) -> None:
        """Make `shop` a module whose one test records a scenario of the version it is at."""
        announced = '\n[project.entry-points."contextworker.modules"]\nshop = "shop:module"\n'
        self.member("packages/shop", "0.1.0", extra=announced)
        self.write("pyproject.toml", ROOT + WITH_PYTEST)
        self.write("conftest.py", CONFTEST)
        self.write("packages/shop/tests/test_sale.py", TEST.format(scenario=scenario))
        self.commit()

    def commit(self) -> None:
        """Lock, and commit everything."""
        subprocess.run(["uv", "lock", "--quiet"], cwd=self.root, check=True)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def state(self) -> tuple[str, ...]:
        """Return all that a failed release must not have touched."""
        return (
            self.git("rev-parse", "HEAD"),
            self.git("tag", "--list"),
            self.git("status", "--porcelain"),
            self.git("branch", "--show-current"),
            self.git("worktree", "list"),
        )


def small_workspace(folder: Path) -> Clone:
    """Return a workspace: `core` 0.1.3 was released, and `shop` 0.1.0, which needs it, never."""
    clone = Clone(folder)
    clone.write("pyproject.toml", ROOT)
    clone.member("packages/contextworker-core", "0.1.3")
    clone.member("packages/shop", "0.1.0", "contextworker-core>=0.1,<0.2")
    clone.commit()
    clone.git("tag", "core-v0.1.3")
    return clone
