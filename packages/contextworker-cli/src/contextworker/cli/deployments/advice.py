"""What to do about a version, in a sentence."""

from contextworker.cli.deployments.models import Deployment, Version, VersionState
from contextworker.cli.output.hints import command


def advise(deployment: Deployment, version: Version) -> str:
    """Say what a version's state asks of the person who runs it; nothing, where nothing."""
    match version.state:
        case VersionState.CURRENT:
            return "" if version.workers else "no live worker: new runs wait for one"
        case VersionState.RAMPING:
            waits = "" if version.workers else "no live worker: its share of new runs waits; "
            target = f"{deployment.module} {version.build_id}"
            return (
                f"{waits}all new runs: {command(f'deploy promote {target}')}; "
                f"none: {command(f'deploy rollback {deployment.module}')}"
            )
        case VersionState.DRAINING:
            return _draining(version)
        case VersionState.DRAINED:
            return "its workers can be stopped" if version.workers else ""
        case VersionState.INACTIVE:
            return _inactive(deployment, version)


def _draining(version: Version) -> str:
    if version.pinned_runs and version.workers:
        return "keep its workers until its runs are done"
    if version.pinned_runs:
        return f"no live worker: its runs wait; start a worker of {version.build_id}"
    return "no pinned run is open; wait until Temporal calls it drained, within minutes"


def _inactive(deployment: Deployment, version: Version) -> str:
    if version.routes is None:
        return "its worker has not announced its routes; its log says why"
    if not version.workers:
        return "no live worker"
    return f"waits for: {command(f'deploy promote {deployment.module} {version.build_id}')}"
