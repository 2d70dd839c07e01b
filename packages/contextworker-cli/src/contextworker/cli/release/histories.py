"""A module's release carries what its workflows did, recorded on its own version."""

from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import Version

from contextworker.cli.errors import ReleaseError
from contextworker.cli.release.git import Clone
from contextworker.cli.release.run import run
from contextworker.cli.release.workspace import Member
from contextworker.core.testing.series import same_series

FOLDER = "histories"


def record_histories(member: Member, version: Version, root: Path) -> None:
    """Record a module's scenarios, unless a commit holds them already.

    The workspace at `root` has the new version, and gets an environment of its own, since what is
    recorded belongs to the version that is installed.

    Raises:
        ReleaseError: Its tests record none.
    """
    folder = member.folder / "tests" / FOLDER
    if not member.is_module or any((folder / str(version)).glob("*.json")):
        return
    command = f"uv run pytest --record-histories {member.folder.relative_to(root)}"
    with TemporaryDirectory(prefix="contextworker-release-") as environment:
        run(*command.split(), cwd=root, env={"UV_PROJECT_ENVIRONMENT": environment})
    if not any((folder / str(version)).glob("*.json")):
        raise ReleaseError(
            f"`{command}` recorded no history of {version}, so that later changes could not be "
            "checked on its runs. Give a test's run to the fixture `record_history`."
        )


def changed_histories(member: Member, version: Version, clone: Clone) -> list[str]:
    """Return what became of recorded runs that this version must be able to continue."""
    problems = []
    for release in sorted(clone.released(member.name)):
        if not same_series(str(release), str(version)):
            continue
        tag, folder = member.tag(release), member.folder / "tests" / FOLDER / str(release)
        changed = clone.git("diff", "--name-only", "--diff-filter=a", tag, "HEAD", "--", folder)
        if changed:
            problems.append(
                f"what {release} recorded is not there as it was: "
                f"{', '.join(changed.splitlines())}\n"
                f"  `git restore --source {tag} {folder.relative_to(clone.root)}` brings it back."
            )
    return problems
