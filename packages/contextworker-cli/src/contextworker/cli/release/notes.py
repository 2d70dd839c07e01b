"""A member's unreleased notes, and the changelog that towncrier makes of them."""

import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from contextworker.cli.errors import ReleaseError
from contextworker.cli.release.run import run
from contextworker.cli.release.workspace import Member, read_toml

FOLDER = "changelog.d"
_CONFIG = "towncrier.toml"


@dataclass(frozen=True)
class Notes:
    """The notes of one member that no release has yet."""

    member: Member
    config: Path

    def types(self) -> set[str]:
        """Return what the notes' names end in: their types (`breaking`, `added`, …) and `md`."""
        names = [path.name.lower() for path in (self.member.folder / FOLDER).glob("[!.]*.*")]
        return {part for name in names for part in name.split(".")[1:] if name != "readme.md"}

    def text(self, version: Version) -> str:
        """Return the changelog's section of a version, changing nothing.

        Raises:
            ReleaseError: A note's name has no type that towncrier knows.
        """
        return self._towncrier(version, "--draft").strip()

    def write(self, version: Version) -> None:
        """Move the notes into the changelog."""
        self._towncrier(version, "--yes")

    def _towncrier(self, version: Version, how: str) -> str:
        folder = self.member.folder
        arguments = ("--config", self.config, "--dir", folder, "--version", str(version), how)
        return run(sys.executable, "-m", "towncrier", "build", *arguments, cwd=folder)


def notes_of(member: Member, root: Path) -> Notes:
    """Return a member's notes; their form is the member's own or the workspace's.

    Raises:
        ReleaseError: Nothing says how a changelog is made of them.
    """
    for config in (member.folder / _CONFIG, root / _CONFIG):
        if config.exists():
            return Notes(member, config)
    own = member.folder / "pyproject.toml"
    if "towncrier" in read_toml(own).get("tool", {}):
        return Notes(member, own)
    raise ReleaseError(
        f"There is no {_CONFIG} in {root}, so that nothing says how the notes in {FOLDER}/ become "
        "the changelog. `contextworker new-module --standalone` writes one."
    )
