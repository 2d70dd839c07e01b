"""Finds the deployments of modules: by the deployment's name, or by what its workers announced."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from temporalio.api.workflowservice.v1 import (
    ListWorkerDeploymentsRequest,
    ListWorkerDeploymentsResponse,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contextworker.cli.deployments.models import Deployment
from contextworker.cli.deployments.reading import (
    describe_version,
    read_announcement,
    read_deployment,
    read_pollers,
)
from contextworker.cli.errors import DeployError
from contextworker.core.pollers import UNVERSIONED

_LOOKS = 3
_BETWEEN_LOOKS_S = 0.2
_Listed = ListWorkerDeploymentsResponse.WorkerDeploymentSummary


async def find_deployment(client: Client, module: str) -> Deployment:
    """Return the deployment of a module.

    Raises:
        DeployError: There is none, or there are several; names the known ones.
    """
    try:
        return await read_deployment(client, module)
    except RPCError as error:
        if not _is_unknown_deployment(error):
            raise
    known = await _names(client)
    names = [name for name, its_module in known.items() if its_module == module]
    if len(names) > 1:
        raise DeployError(
            f"Several deployments carry the module {module!r}; name one of them: "
            f"{', '.join(names)}."
        )
    if names:
        return await read_deployment(client, names[0])
    raise await _unknown(client, module, sorted(set(known.values())))


async def all_deployments(client: Client) -> list[Deployment]:
    """Return the deployment of every module, by module."""
    names = await _names(client)
    found = await asyncio.gather(*(read_deployment(client, name) for name in names))
    return sorted(found, key=lambda deployment: (deployment.module, deployment.name))


async def _names(client: Client) -> dict[str, str]:
    """Map deployments to modules, leaving out those that somebody else's workers run in."""
    listed: dict[str, _Listed] = {}
    # While a deployment changes, Temporal's list leaves it out, for some 50 ms mostly.
    for look in range(_LOOKS):
        await asyncio.sleep(_BETWEEN_LOOKS_S if look else 0)
        listed |= {each.name: each async for each in _list(client)}
    modules = await asyncio.gather(*(_module(client, each) for each in listed.values()))
    return {
        name: module for name, module in zip(listed, modules, strict=True) if module is not None
    }


async def _list(client: Client) -> AsyncIterator[_Listed]:
    request = ListWorkerDeploymentsRequest(namespace=client.namespace)
    while True:
        page = await client.workflow_service.list_worker_deployments(request, retry=True)
        for deployment in page.worker_deployments:
            yield deployment
        if not page.next_page_token:
            return
        request.next_page_token = page.next_page_token


async def _module(client: Client, listed: _Listed) -> str | None:
    candidates = {
        version.build_id: version
        for version in (
            listed.current_version_summary.deployment_version,
            listed.latest_version_summary.deployment_version,
        )
        if version.build_id
    }
    for version in candidates.values():
        try:
            described = await describe_version(client, version)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # deleted since it was listed
                continue
            raise
        if announcement := read_announcement(described.worker_deployment_version_info):
            return announcement.module
    return None


async def _unknown(client: Client, module: str, known: list[str]) -> DeployError:
    where = f"in the namespace {client.namespace!r} of {client.service_client.config.target_host}"
    queue = f"{module}-tasks"
    now = datetime.now(UTC)
    if any(
        poller.version == UNVERSIONED and poller.is_live(now)
        for poller in await read_pollers(client, queue)
    ):
        return DeployError(
            f"The workers of {module!r} have no version: they poll {queue} {where} with "
            "CONTEXTWORKER_VERSIONING=false, so there is nothing to promote."
        )
    if not known:
        return DeployError(
            f"No module has a version {where}.",
            ["A module gets one when a worker of it starts with CONTEXTWORKER_VERSIONING on."],
        )
    return DeployError(f"There is no module {module!r} {where}; known: {', '.join(known)}.")


def _is_unknown_deployment(error: RPCError) -> bool:
    return error.status is RPCStatusCode.NOT_FOUND and "namespace" not in error.message.lower()
