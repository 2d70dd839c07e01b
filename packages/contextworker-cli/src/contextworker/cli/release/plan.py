"""What a release will be, and every reason why it cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.requirements import Requirement
from packaging.version import Version

from contextworker.cli.errors import ReleaseError
from contextworker.cli.release.bounds import Bound, broken_bounds
from contextworker.cli.release.git import Clone
from contextworker.cli.release.histories import changed_histories
from contextworker.cli.release.notes import FOLDER, Notes, notes_of
from contextworker.cli.release.run import run
from contextworker.cli.release.workspace import Member, Workspace

Bump = Literal["patch", "minor", "major", "first"]
_WEIGHT: dict[str, int] = {"patch": 0, "minor": 1, "major": 2}


@dataclass(frozen=True)
class Plan:
    """One member's next version, its tag and changelog, and the bounds to widen for it."""

    member: Member
    version: Version
    notes: Notes
    text: str
    bounds: Sequence[Bound]

    @property
    def tag(self) -> str:
        """The tag of the release."""
        return self.member.tag(self.version)


def make_plan(
    workspace: Workspace, clone: Clone, name: str, bump: Bump, *, may_widen: bool
) -> Plan:
    """Work out a release, changing nothing.

    Raises:
        ReleaseError: It cannot be; with every reason.
    """
    member = workspace.member(name)
    version = _next_version(workspace, clone, member, bump)
    notes = notes_of(member, workspace.root)
    bounds = broken_bounds(workspace, member, version, breaking="breaking" in notes.types())
    problems = [
        *_notes_problems(notes, member.version, bump),
        *_bounds_problems(bounds, may_widen=may_widen),
        *_unreleased(workspace, clone, member),
        *changed_histories(member, version, clone),
    ]
    if problems:
        raise ReleaseError(f"{member.name} {version} cannot be released:", problems)
    return Plan(member, version, notes, notes.text(version), bounds)


def _next_version(workspace: Workspace, clone: Clone, member: Member, bump: Bump) -> Version:
    released = clone.released(member.name)
    if bump == "first":
        if released:
            raise ReleaseError(
                f"{member.name} was released before ({max(released)} is the last): "
                "say patch, minor or major."
            )
        return member.version
    if member.version not in released:
        raise ReleaseError(
            f"{member.name} {member.version} was never released: there is no tag "
            f"{member.tag(member.version)} (`git fetch --tags` brings those of others). "
            f"`contextworker release {member.name} first` releases it as it stands."
        )
    arguments = ("--package", member.package, "--bump", bump, "--short", "--frozen", "--dry-run")
    version = Version(run("uv", "version", *arguments, cwd=workspace.root))
    if version in released:
        raise ReleaseError(
            f"The tag {member.tag(version)} exists already, on a commit that this branch lacks: "
            "`git pull`, or release from the branch that has it."
        )
    return version


def _notes_problems(notes: Notes, version: Version, bump: Bump) -> list[str]:
    types = notes.types()
    if not types:
        where = f"{notes.member.folder.name}/{FOLDER}/"
        return [f"{where} holds no note of what changed: write one, such as speed.changed.md."]
    least = "patch"
    if "breaking" in types:
        least = "major" if version.major else "minor"
    elif "added" in types and version.major:
        least = "minor"
    if bump != "first" and _WEIGHT[bump] < _WEIGHT[least]:
        kind = "breaking" if "breaking" in types else "added"
        return [f"a note is `{kind}`, which after {version} needs {least}, not {bump}."]
    return []


def _bounds_problems(bounds: Sequence[Bound], *, may_widen: bool) -> list[str]:
    told = [bound.sentence() for bound in bounds if not (may_widen and bound.wider)]
    if told and not may_widen:
        told.append("`--widen` writes the bounds that can be widened, in the release's own commit.")
    return told


def _unreleased(workspace: Workspace, clone: Clone, member: Member) -> list[str]:
    """Return the members it needs of which no release would do: nobody could install it."""
    return [
        f"it needs {requirement}, and no tag {other.name}-v… fits: release {other.name} first."
        for other in workspace.members.values()
        for requirement in member.requirements_on(other)
        if not any(Requirement(requirement).specifier.filter(clone.released(other.name)))
    ]
