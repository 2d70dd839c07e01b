"""Make the release's commit beside the working tree, and let the branch move to it at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from contextworker.cli.errors import ReleaseError
from contextworker.cli.release.bounds import widen
from contextworker.cli.release.git import Clone
from contextworker.cli.release.histories import record_histories
from contextworker.cli.release.plan import Bump, Plan
from contextworker.cli.release.run import run
from contextworker.cli.release.workspace import Member, find_workspace

_LOCK = "uv.lock"


@dataclass(frozen=True)
class Prepared:
    """A release's changes, staged in a tree of their own."""

    plan: Plan
    clone: Clone
    tree: Clone

    def changes(self) -> list[str]:
        """Return the files that the release changes, as git lists them."""
        return self.tree.git("diff", "--cached", "--stat", "HEAD").splitlines()

    def finish(self) -> str:
        """Commit, tag, and move the branch; return the commit.

        Raises:
            ReleaseError: One of them failed; nothing has changed then.
        """
        plan, title = self.plan, f"{self.plan.member.name} {self.plan.version}"
        self.tree.git("commit", "--quiet", "--message", f"Release {title}")
        commit = self.tree.git("rev-parse", "--short", "HEAD")
        message = f"{title}\n\n{plan.text}\n"
        # Verbatim: a changelog's headings begin as git's comments do.
        self.tree.git(
            "tag", "--annotate", "--cleanup=verbatim", "--file=-", plan.tag, stdin=message
        )
        try:
            self.clone.git("merge", "--quiet", "--ff-only", plan.tag)
        except BaseException as error:
            self.clone.git("tag", "--delete", plan.tag)
            if not isinstance(error, ReleaseError):
                raise
            raise ReleaseError(
                "The branch could not move to the release, as something changed it or its files "
                f"meanwhile. Nothing is released: release {title} again. git says:",
                error.details,
            ) from error
        return commit


@contextmanager
def prepare(plan: Plan, clone: Clone, bump: Bump) -> Iterator[Prepared]:
    """Raise the version, lock it, record, write the changelog and the bounds: in a second tree."""
    with clone.second_tree() as tree:
        root = tree.root / Path.cwd().resolve().relative_to(clone.root)
        workspace = find_workspace(root)
        member = workspace.member(plan.member.name)
        if bump != "first":
            _raise(member, bump, workspace.root)
        for bound in plan.bounds:
            dependant = workspace.member(bound.dependant.name)
            widen(replace(bound, dependant=dependant), member)
        if tree.git("ls-files", workspace.root / _LOCK):
            run("uv", "lock", "--quiet", cwd=workspace.root)
        record_histories(member, plan.version, workspace.root)
        replace(plan.notes, member=member).write(plan.version)
        tree.git("add", "--all")
        yield Prepared(plan, clone, tree)


def _raise(member: Member, bump: Bump, root: Path) -> None:
    run("uv", "version", "--package", member.package, "--bump", bump, "--frozen", cwd=root)
    written = find_workspace(root).member(member.name).version
    if written == member.version:
        raise ReleaseError(f"uv left the version of {member.package} at {written}.")
