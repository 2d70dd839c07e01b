"""What speaks against giving a version new runs: what is refused, and what is only said."""

from datetime import UTC, datetime

from contextworker.cli.deployments.models import Deployment, Version
from contextworker.cli.errors import DeployError
from contextworker.cli.output.spans import ago
from contextworker.core.pollers import IDLE_POLL


def choose(deployment: Deployment, build_id: str | None) -> Version:
    """Return the version asked for, else the newest.

    Raises:
        DeployError: There is no such version; names those there are.
    """
    if build_id is None and deployment.versions:
        return deployment.versions[0]
    version = deployment.version(build_id)
    if version is None:
        known = ", ".join(deployment.build_ids()) or "none"
        raise DeployError(
            f"{deployment.module} has no version {build_id!r}; known: {known}.",
            ["A version is known a moment after its first worker has started."],
        )
    return version


def check(deployment: Deployment, version: Version, *, force: bool) -> list[str]:
    """Return what a person should know before the version gets new runs.

    Args:
        deployment: Where the version belongs.
        version: The version.
        force: Take it although it has no live worker, or leaves a task queue.

    Raises:
        DeployError: It should not get any.
    """
    name = f"{deployment.module} {version.build_id}"
    if version.routes is None:
        raise DeployError(
            f"{name} has announced no routes, so no gateway would know what it serves.",
            ["Its worker does that when it starts; its log says what keeps it from it."],
        )
    notes = _no_worker(version, name, force=force)
    notes += _left_queues(deployment, version, name, force=force)
    served = deployment.current.routes if deployment.current else None
    if lost := sorted(set(served or ()) - set(version.routes)):
        notes.append(f"{name} does not serve {', '.join(lost)}, which is served now.")
    return notes


def _silence(version: Version) -> str:
    if version.last_poll_at is None:
        return "Temporal remembers no poll of its workers, as it does for five minutes at most"
    return f"its last poll was {ago(version.last_poll_at, datetime.now(UTC))}"


def _no_worker(version: Version, name: str, *, force: bool) -> list[str]:
    if version.workers:
        return []
    if not force:
        raise DeployError(
            f"{name} has no live worker: {_silence(version)}, and a live one polls at least every "
            f"{IDLE_POLL.seconds} s.",
            [f"Start a worker of {version.build_id}; or, where new runs may wait, add --force."],
        )
    return [f"{name} has no live worker: runs that start on it wait for one."]


def _left_queues(deployment: Deployment, version: Version, name: str, *, force: bool) -> list[str]:
    current = deployment.current
    left = sorted(current.task_queues - version.task_queues) if current else []
    if not left:
        return []
    queues = ", ".join(left)
    if not force:
        raise DeployError(
            f"{name} does not poll {queues}, where {deployment.module} works now: whatever comes "
            "there for the current version would find no worker.",
            ["Where that is meant, add --force."],
        )
    return [f"Nobody serves {queues} for the current version any more."]
