"""A module's release carries what its workflows did, recorded on its own version."""

from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.version import Version

from contextworker.cli.errors import ReleaseError
from contextworker.cli.release.run import run
from contextworker.cli.release.workspace import Member

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
