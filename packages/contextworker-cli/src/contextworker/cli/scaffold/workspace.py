"""The workspace that a new module joins, or has to stay out of."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from contextworker.cli.errors import ScaffoldError

CORE = "contextworker-core"


@dataclass(frozen=True)
class Workspace:
    """A uv workspace: its root, and the root's pyproject.toml as read."""

    root: Path
    document: dict[str, Any]

    @classmethod
    def around(cls, folder: Path) -> Self | None:
        """Find the workspace that a folder is in.

        Raises:
            ScaffoldError: A pyproject.toml on the way is no TOML.
        """
        for candidate in (folder, *folder.parents):
            if (candidate / "pyproject.toml").is_file():
                document = read_toml(candidate / "pyproject.toml")
                if "workspace" in document.get("tool", {}).get("uv", {}):
                    return cls(candidate, document)
        return None

    @property
    def is_ours(self) -> bool:
        """Whether this is a clone of ContextWorker: the core is a member."""
        return CORE in {name for name, _ in self.members()}

    def members(self) -> list[tuple[str, Path]]:
        """List the members: distribution and folder."""
        globs = self.document["tool"]["uv"]["workspace"].get("members", [])
        found = [path for pattern in globs for path in sorted(self.root.glob(pattern))]
        return [
            (str(read_toml(folder / "pyproject.toml").get("project", {}).get("name", "")), folder)
            for folder in found
            if (folder / "pyproject.toml").is_file()
        ]


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ScaffoldError: It is none.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScaffoldError(f"{path} cannot be read: {error}") from error


def our_workspace(folder: Path) -> Workspace:
    """Return the ContextWorker workspace that a folder is in.

    Raises:
        ScaffoldError: It is in none.
    """
    way_out = "For a package outside it, add --standalone."
    found = Workspace.around(folder)
    if found is None:
        raise ScaffoldError(
            f"{folder} is in no clone of ContextWorker, where the module would be a member. "
            f"{way_out}"
        )
    if not found.is_ours:
        raise ScaffoldError(
            f"{found.root} is a workspace, but not ContextWorker's: {CORE} is no member of it. "
            f"{way_out}"
        )
    return found
