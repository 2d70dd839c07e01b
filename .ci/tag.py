#!/usr/bin/env python3
"""Check that a release's tag, version and changelog agree: `.ci/tag.py harvest-v1.2.3 [NOTES]`.

Prints what the later jobs need, as GitHub's job outputs, and writes the changelog's section of that
version to the file NOTES.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

from members import Member, read_members

ROOT = Path(__file__).resolve().parents[1]
# Where a member with a compiled part is built and tried; any other only on the first.
RUNNERS = ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15"]
TAG = re.compile(r"(?P<member>[a-z0-9][a-z0-9_-]*)-v(?P<version>[0-9][0-9a-z.]*)")


def main(tag: str, notes: str = "") -> None:
    """Print `name=value` lines, or exit with every disagreement."""
    members = {member.name: member for member in read_members(ROOT)}
    named = TAG.fullmatch(tag)
    member = members.get(named["member"]) if named else None
    if named is None or member is None:
        sys.exit(f"error: {tag!r} is no tag of a member: MEMBER-v1.2.3 of {', '.join(members)}")
    text = section((ROOT / member.folder / "CHANGELOG.md").read_text(), named["version"])
    problems = _problems(member, named["version"], text)
    if problems:
        sys.exit("\n".join(f"error: {problem}" for problem in problems))
    if notes:
        Path(notes).write_text(text)
    values = {
        "member": member.name,
        "package": member.package,
        "folder": member.folder,
        "version": member.version,
    }
    runners = RUNNERS if member.is_compiled else RUNNERS[:1]
    values |= {"image": json.dumps(member.has_image), "compiled": json.dumps(member.is_compiled)}
    values["runners"] = json.dumps(runners)
    for name, value in values.items():
        sys.stdout.write(f"{name}={value}\n")


def section(changelog: str, version: str) -> str:
    """Return what a changelog tells of a version; nothing where it does not know it."""
    heading = rf"^## {re.escape(version)} \([^\n]*\)\n(.*?)(?=^## |\Z)"
    found = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() + "\n" if found and found[1].strip() else ""


def _problems(member: Member, version: str, text: str) -> list[str]:
    problems = []
    if version != member.version:
        problems.append(f"{member.folder}/pyproject.toml says version {member.version}")
    if not text:
        problems.append(f"{member.folder}/CHANGELOG.md tells nothing of {version}")
    left = sorted(path.name for path in (ROOT / member.folder / "changelog.d").glob("[!.]*"))
    if left:
        problems.append(f"{member.folder}/changelog.d/ still holds {', '.join(left)}")
    lock = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    locked = next((each["version"] for each in lock if each["name"] == member.package), None)
    if version != locked:
        problems.append(f"uv.lock says version {locked}")
    return problems


if __name__ == "__main__":
    main(*sys.argv[1:])
