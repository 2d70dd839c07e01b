"""The members of this workspace, from their pyproject files; needs nothing but Python."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Member:
    """One package of the workspace."""

    name: str
    package: str
    folder: str
    version: str
    needs: frozenset[str]
    has_image: bool
    is_compiled: bool


def read_members(root: Path) -> list[Member]:
    """Return the members by their folders' names."""
    workspace = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
    folders = {path.parent for glob in workspace["members"] for path in root.glob(f"{glob}/*.toml")}
    return [_read(root, folder) for folder in sorted(folders)]


def _read(root: Path, folder: Path) -> Member:
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    name = folder.name.removeprefix("contextworker-")
    extras = project.get("optional-dependencies", {}).values()
    asked = [*project.get("dependencies", []), *(each for extra in extras for each in extra)]
    return Member(
        name=name,
        package=project["name"],
        folder=folder.relative_to(root).as_posix(),
        version=project["version"],
        needs=frozenset(re.split(r"[^A-Za-z0-9._-]", each, maxsplit=1)[0] for each in asked),
        # What deploy/Dockerfile can run.
        has_image=(
            folder / "src" / "contextworker" / name.replace("-", "_") / "__main__.py"
        ).exists(),
        # It has a build hook, which makes wheels that fit one platform alone.
        is_compiled=(folder / "hatch_build.py").exists(),
    )
