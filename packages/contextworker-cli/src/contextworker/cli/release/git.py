"""What releasing asks of git: how the clone stands, and a second working tree to prepare in."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import VERSION_PATTERN, Version

from contextworker.cli.errors import ReleaseError
from contextworker.cli.release.run import run

_VERSION = re.compile(VERSION_PATTERN, re.VERBOSE | re.IGNORECASE)


@dataclass(frozen=True)
class Clone:
    """A git working tree."""

    root: Path

    def git(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run a git command here."""
        return run("git", *arguments, cwd=self.root, stdin=stdin)

    def branch(self) -> str:
        """Return the branch that is checked out.

        Raises:
            ReleaseError: None is, or there are changes that no commit holds.
        """
        changed = self.git("status", "--porcelain").splitlines()
        if changed:
            raise ReleaseError("Commit or put away what has changed; then release.", changed)
        branch = self.git("branch", "--show-current")
        if not branch:
            raise ReleaseError(
                "No branch is checked out, so that the release's commit would be on none. "
                "`git switch main` first."
            )
        return branch

    def released(self, name: str) -> set[Version]:
        """Return the versions of a member that have a tag."""
        prefix = f"{name}-v"
        found = self.git("tag", "--list", f"{prefix}*").splitlines()
        texts = [tag.removeprefix(prefix) for tag in found]
        return {Version(text) for text in texts if _VERSION.fullmatch(text)}

    def push_command(self, branch: str, tag: str) -> str:
        """Return the command that publishes a branch and a tag, both or neither."""
        setting = self.git("config", "--default", "origin", "--get", f"branch.{branch}.remote")
        return f"git push --atomic {setting} {branch} {tag}"

    @contextmanager
    def second_tree(self) -> Iterator["Clone"]:
        """Check HEAD out in a temporary folder: whatever fails there, this tree stays as it is."""
        with TemporaryDirectory(prefix="contextworker-release-") as folder:
            tree = Path(folder).resolve() / self.root.name
            self.git("worktree", "add", "--quiet", "--detach", tree, "HEAD")
            try:
                yield Clone(tree)
            finally:
                self.git("worktree", "remove", "--force", tree)


def clone_around(folder: Path) -> Clone:
    """Return the clone that a folder is in.

    Raises:
        ReleaseError: It is in none.
    """
    return Clone(Path(run("git", "rev-parse", "--show-toplevel", cwd=folder)))
