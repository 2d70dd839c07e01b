"""What promote, ramp and rollback do, given how a module stands."""

from temporalio.client import Client

from contextworker.cli.deployments.changing import set_current, set_ramp
from contextworker.cli.deployments.checking import check, choose
from contextworker.cli.deployments.models import (
    EVERYTHING,
    Change,
    Deployment,
    Routing,
    Version,
)
from contextworker.cli.errors import DeployError
from contextworker.cli.output.hints import command


async def promote(
    client: Client, deployment: Deployment, build_id: str | None, *, force: bool
) -> Change:
    """Make a version current: every new run starts on it."""
    _refuse_managed(deployment)
    version, before = choose(deployment, build_id), deployment.routing
    if version.build_id == before.current:
        newest = "" if build_id else ", and the newest"
        return _unchanged(deployment, f"{version.build_id} is the current version{newest}.")
    notes = check(deployment, version, force=force)
    after = Routing(current=version.build_id)
    if before.ramping not in (None, version.build_id):
        after = before.model_copy(update={"current": version.build_id})
        notes.append(f"{before.ramping} goes on getting {before.percentage:g} % of new runs.")
    notes += await set_current(client, deployment, version.build_id, force=force)
    return _change(deployment, after, version, notes)


async def ramp(
    client: Client,
    deployment: Deployment,
    build_id: str | None,
    percentage: float,
    *,
    force: bool,
) -> Change:
    """Send a share of the new runs to a version; none ends the ramp."""
    _refuse_managed(deployment)
    if percentage == 0:
        return await _end_ramp(client, deployment, build_id)
    version, before = choose(deployment, build_id), deployment.routing
    target = f"{deployment.module} {version.build_id}"
    if before.current is None:
        raise DeployError(
            f"{deployment.module} has no current version that the other runs could go to.",
            [f"Make one current:  {command(f'deploy promote {target}')}"],
        )
    if version.build_id == before.current:
        raise DeployError(
            f"{target} is current: it gets every new run that no other version gets.",
            [f"Versions there are: {', '.join(deployment.build_ids())}"],
        )
    if percentage == EVERYTHING:
        raise DeployError(
            "All new runs are what promoting is for.", [command(f"deploy promote {target}")]
        )
    after = Routing(current=before.current, ramping=version.build_id, percentage=percentage)
    if after == before:
        return _unchanged(deployment, f"{version.build_id} gets {percentage:g} % already.")
    notes = check(deployment, version, force=force)
    notes += await set_ramp(client, deployment, version.build_id, percentage, force=force)
    return _change(deployment, after, version, notes)


async def rollback(client: Client, deployment: Deployment, *, force: bool) -> Change:
    """End a ramp, or else make the version current that was so before."""
    _refuse_managed(deployment)
    before, current = deployment.routing, deployment.current
    if before.ramping is not None:
        return await _end_ramp(client, deployment, None)
    if current is None:
        raise DeployError(f"{deployment.module} has no current version to go back from.")
    previous = _previous(deployment, current)
    if previous is None:
        raise DeployError(
            f"{deployment.module} {current.build_id} is the first version that Temporal "
            "remembers as current: there is none to go back to."
        )
    if previous.created_at > current.created_at:
        # Twice is once: who asks again in the heat of it must not land two versions back.
        return _unchanged(
            deployment,
            f"{current.build_id} is current since {previous.build_id} was rolled back. To go back "
            f"further, name the version: {command(f'deploy promote {deployment.module} VERSION')}",
        )
    notes = check(deployment, previous, force=force)
    notes += await set_current(client, deployment, previous.build_id, force=force)
    notes.append(f"Open runs of {current.build_id} finish on it: keep its workers until it drains.")
    return _change(deployment, Routing(current=previous.build_id), previous, notes)


def _previous(deployment: Deployment, current: Version) -> Version | None:
    """Return the version that was current right before."""
    once = [
        (version.last_current_at, version)
        for version in deployment.versions
        if version.last_current_at is not None and version.build_id != current.build_id
    ]
    return max(once, key=lambda pair: pair[0])[1] if once else None


async def _end_ramp(client: Client, deployment: Deployment, build_id: str | None) -> Change:
    before = deployment.routing
    if before.ramping is None:
        return _unchanged(deployment, "No version is ramping.")
    if build_id not in (None, before.ramping):
        raise DeployError(
            f"{deployment.module} {build_id} is not ramping; {before.ramping} is, "
            f"at {before.percentage:g} %."
        )
    notes = await set_ramp(client, deployment, "", 0, force=True)
    notes.append(f"Open runs of {before.ramping} finish on it: keep its workers until it drains.")
    return _change(deployment, Routing(current=before.current), deployment.current, notes)


def _refuse_managed(deployment: Deployment) -> None:
    if deployment.manager:
        raise DeployError(
            f"The versions of {deployment.module} are promoted by {deployment.manager}, and by "
            "nobody else: change what that one works from, such as its Kubernetes resource."
        )


def _change(
    deployment: Deployment, after: Routing, version: Version | None, notes: list[str]
) -> Change:
    return Change(
        module=deployment.module,
        before=deployment.routing,
        after=after,
        version=version,
        notes=tuple(notes),
    )


def _unchanged(deployment: Deployment, note: str) -> Change:
    return _change(deployment, deployment.routing, None, [note])
