"""What other members ask of the one that is released, and whether its new version fits."""

import re
from dataclasses import dataclass

import tomlkit
from packaging.requirements import Requirement
from packaging.version import Version

from contextworker.cli.release.notes import FOLDER
from contextworker.cli.release.workspace import Member, Workspace

_EXTRAS = "optional-dependencies"
_UPPER = re.compile(r"<(?!=)\s*[^,;\s]+")
_LOWER = re.compile(r">=\s*[^,;\s]+")


@dataclass(frozen=True)
class Bound:
    """A dependant's requirement that the new version does not meet."""

    dependant: Member
    requirement: str
    wider: str | None

    def sentence(self) -> str:
        """Return what stands where, and what to write instead."""
        instead = f"write {self.wider}" if self.wider else "let it allow the new version"
        return f"{self.dependant.name} asks for {self.requirement}: {instead}"


def dependants(workspace: Workspace, member: Member) -> list[Member]:
    """Return the members that name this one in what they need."""
    return [each for each in workspace.members.values() if each.requirements_on(member)]


def broken_bounds(
    workspace: Workspace, member: Member, version: Version, *, breaking: bool
) -> list[Bound]:
    """Return every requirement of a dependant that this version of the member does not meet.

    Dependants are tested beside what stands here. Where that is a breaking change, the wider bound
    leaves out what came before it.
    """
    return [
        Bound(dependant, requirement, _wider(requirement, version, breaking=breaking))
        for dependant in dependants(workspace, member)
        for requirement in dependant.requirements_on(member)
        if not _allows(requirement, version)
    ]


def widen(bound: Bound, member: Member) -> None:
    """Write the wider requirement into the dependant's pyproject file, and a note of it."""
    path = bound.dependant.folder / "pyproject.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    project = document["project"]
    assert isinstance(project, dict)
    for asked in (project.get("dependencies", []), *project.get(_EXTRAS, {}).values()):
        for index, text in enumerate(asked):
            if text == bound.requirement:
                asked[index] = bound.wider
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    note = bound.dependant.folder / FOLDER / f"{member.name}-bound.changed.md"
    note.parent.mkdir(exist_ok=True)
    note.write_text(f"Needs `{bound.wider}`.\n", encoding="utf-8")


def _wider(requirement: str, version: Version, *, breaking: bool) -> str | None:
    # A series ends where a version may break who uses it: 0.1 before 0.2, 1 before 2.
    series = str(version.major) if version.major else f"0.{version.minor}"
    upper = str(version.major + 1) if version.major else f"0.{version.minor + 1}"
    wider = _UPPER.sub(f"<{upper}", requirement)
    if breaking:
        wider = _LOWER.sub(f">={series}", wider)
    return wider if _allows(wider, version) else None


def _allows(requirement: str, version: Version) -> bool:
    return Requirement(requirement).specifier.contains(version, prereleases=True)
