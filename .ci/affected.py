#!/usr/bin/env python3
"""Say what a change must be tested on: `.ci/affected.py BASE`, as GitHub's job outputs.

The change is what HEAD has since it left the commit BASE; without BASE it is everything. A file is
looked up by its path:

    a member's own                the member, every member that needs it, and the whole system
    proto/                        every member
    tests/                        the whole system
    Markdown, docs/, benchmarks/  nothing but what every change gets: checks, the pages followed
    any other                     everything
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from members import Member, read_members

ROOT = Path(__file__).resolve().parents[1]
CHECKED_ONLY = {"docs", "benchmarks"}


def main(base: str) -> None:
    """Print `name=JSON` lines."""
    members = read_members(ROOT)
    needs = Needs(members)
    for path in _changed(base) if base else ["everything"]:
        needs.add(PurePosixPath(path))
    tested = needs.tested()
    outputs = {
        "everything": len(tested) == len(members),
        "members": tested,
        "system": needs.system or bool(tested),
        "images": [member.name for member in members if member.has_image],
    }
    for name, value in outputs.items():
        sys.stdout.write(f"{name}={json.dumps(value)}\n")


class Needs:
    """What the changed files seen so far must be tested on."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self.system = False
        self._changed: set[str] = set()

    def add(self, path: PurePosixPath) -> None:
        """Add a changed file."""
        owner = self._owner(path)
        if _is_prose(path, owner):
            return
        if owner is not None:
            self._changed.add(owner.package)
        elif path.parts[0] == "tests":
            self.system = True
        elif path.parts[0] not in CHECKED_ONLY:
            self._changed.update(member.package for member in self.members)

    def tested(self) -> list[str]:
        """Return the folders of the members that changed, or need one that did."""
        reached = set(self._changed)
        while more := {
            member.package
            for member in self.members
            if member.package not in reached and member.needs & reached
        }:
            reached |= more
        return [member.folder for member in self.members if member.package in reached]

    def _owner(self, path: PurePosixPath) -> Member | None:
        inside = (each for each in self.members if path.is_relative_to(each.folder))
        return next(inside, None)


def _is_prose(path: PurePosixPath, owner: Member | None) -> bool:
    # Inside src/ and tests/ a .md file is data: a template, an expected text.
    inside = path.relative_to(owner.folder).parts[0] if owner else path.parts[0]
    return path.suffix == ".md" and inside not in {"src", "tests"}


def _changed(base: str) -> list[str]:
    command = ["git", "diff", "--name-only", "--no-renames", "-z", f"{base}...HEAD"]
    listed = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if listed.returncode:
        sys.exit(f"error: git cannot compare HEAD with {base}: is that commit in this clone?")
    return [path for path in listed.stdout.split("\0") if path]


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
