"""A module's release carries what its workflows did, recorded on its own version."""

from packaging.version import Version

from contextworker.cli.errors import ReleaseError
from contextworker.cli.release.git import Clone
from contextworker.cli.release.run import run
from contextworker.cli.release.workspace import Member

FOLDER = "histories"


def record_histories(member: Member, version: Version, tree: Clone) -> None:
    """Record a module's scenarios, unless a commit holds them already.

    The tree has the new version, and gets an environment of its own, since what is recorded belongs
    to the version that is installed.

    Raises:
        ReleaseError: Its tests record none.
    """
    folder = member.folder / "tests" / FOLDER
    if not member.is_module or any((folder / str(version)).glob("*.json")):
        return
    command = f"uv run pytest --record-histories {member.folder.relative_to(tree.root)}"
    environment = {"UV_PROJECT_ENVIRONMENT": str(tree.root.with_name("environment"))}
    run(*command.split(), cwd=tree.root, env=environment)
    if not any((folder / str(version)).glob("*.json")):
        raise ReleaseError(
            f"`{command}` recorded no history of {version}, so that later changes could not be "
            "checked on its runs. Give a test's run to the fixture `record_history`."
        )
