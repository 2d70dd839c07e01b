"""The members of a workspace and who depends on whom, read from their pyproject files."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from contextworker.cli.errors import ReleaseError, UsageError

_PREFIX = "contextworker-"
_MODULES = "contextworker.modules"


@dataclass(frozen=True)
class Member:
    """One package that is released by itself."""

    name: str
    package: str
    folder: Path
    version: Version
    requirements: tuple[str, ...]
    is_module: bool

    def tag(self, version: Version) -> str:
        """Return the tag of a version: `harvest-v1.2.3`."""
        return f"{self.name}-v{version}"

    def requirements_on(self, other: "Member") -> list[str]:
        """Return what this member asks of another one, as it is written."""
        asked = canonicalize_name(other.package)
        return [
            each for each in self.requirements if canonicalize_name(Requirement(each).name) == asked
        ]


@dataclass(frozen=True)
class Workspace:
    """The members by their names; a repository of one package has one."""

    root: Path
    members: Mapping[str, Member]

    def member(self, name: str) -> Member:
        """Return the member of that name, with or without `contextworker-`."""
        found = self.members.get(name.removeprefix(_PREFIX))
        if found is None:
            raise UsageError(f"There is no member {name!r} here: {', '.join(sorted(self.members))}")
        return found


def find_workspace(start: Path) -> Workspace:
    """Return the workspace around a folder, or the one package there.

    Raises:
        ReleaseError: No folder from here up is a project.
    """
    package: Workspace | None = None
    for folder in (start, *start.parents):
        document = read_toml(folder / "pyproject.toml")
        tables = document.get("tool", {}).get("uv", {}).get("workspace")
        if tables is not None:
            return Workspace(folder, _members(folder, tables))
        if package is None and "version" in document.get("project", {}):
            name = str(document["project"]["name"]).removeprefix(_PREFIX)
            package = Workspace(folder, {name: _member(name, folder, document)})
    if package is None:
        raise ReleaseError(
            f"No project is here: {start} and the folders above it hold no pyproject.toml with a "
            "version. Go to a clone, and release there."
        )
    return package


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's tables; a missing file has none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise ReleaseError(f"{path} is no TOML: {error}") from error


def _members(root: Path, tables: Mapping[str, Any]) -> dict[str, Member]:
    left_out = {path for glob in tables.get("exclude", []) for path in root.glob(glob)}
    members = {}
    for folder in sorted(path for glob in tables["members"] for path in root.glob(glob)):
        document = read_toml(folder / "pyproject.toml")
        if document and folder not in left_out:
            name = folder.name.removeprefix(_PREFIX)
            members[name] = _member(name, folder, document)
    return members


def _member(name: str, folder: Path, document: Mapping[str, Any]) -> Member:
    project = document["project"]
    asked = [
        *project.get("dependencies", []),
        *(each for extra in project.get("optional-dependencies", {}).values() for each in extra),
    ]
    return Member(
        name=name,
        package=project["name"],
        folder=folder,
        version=Version(project["version"]),
        requirements=tuple(asked),
        is_module=_MODULES in project.get("entry-points", {}),
    )
