"""Where routes are read from: Temporal's worker deployments, or the installed packages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib.metadata import EntryPoint
from typing import Any, Protocol, TypeVar

from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    ListWorkerDeploymentsRequest,
)
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.announcement import METADATA_KEY, Announcement
from contextworker.core.registry import WorkerRegistry
from contextworker.gateway.routing.routes import AnnouncedModule
from contextworker.gateway.temporal import Method, Temporal

_log = logging.getLogger(__name__)
_FORMAT = 1
Item = TypeVar("Item")
Found = TypeVar("Found")
_CONCURRENT_READS = 4


class RouteSource(Protocol):
    """Reads what every module announces, as of now."""

    async def read(self) -> Sequence[AnnouncedModule]:
        """Return every module."""


class DeploymentSource:
    """Reads the metadata of each deployment's current version.

    A deployment without a current version is left out: a run started there would wait.
    """

    def __init__(self, temporal: Temporal) -> None:
        self._temporal = temporal
        self._serving: frozenset[str] = frozenset()
        self._complained: set[tuple[str, str, str]] = set()

    async def read(self) -> Sequence[AnnouncedModule]:
        """Return the modules of the namespace; what cannot be read is logged and left out.

        Raises:
            TemporalUnavailableError: Temporal does not answer.
        """
        listed = await self._listed_versions()
        # While a deployment changes, Temporal's list leaves it out for some 50 ms, or has it
        # without its current version: ask for each that served at the last read.
        unlisted = self._serving - {version.deployment_name for version in listed}
        found = await _few_at_a_time(self._current_version, sorted(unlisted))
        versions = [*listed, *(version for version in found if version is not None)]
        modules = await _few_at_a_time(self._module, versions)
        self._serving = frozenset(version.deployment_name for version in versions)
        return [module for module in modules if module is not None]

    async def _current_version(self, deployment: str) -> WorkerDeploymentVersion | None:
        described = await self._unless_deleted(
            self._temporal.service.describe_worker_deployment,
            DescribeWorkerDeploymentRequest(
                namespace=self._temporal.namespace, deployment_name=deployment
            ),
        )
        if described is None:
            return None
        current = described.worker_deployment_info.routing_config.current_deployment_version
        return current if current.build_id else None

    async def _listed_versions(self) -> list[WorkerDeploymentVersion]:
        versions: list[WorkerDeploymentVersion] = []
        request = ListWorkerDeploymentsRequest(namespace=self._temporal.namespace)
        while True:
            page = await self._temporal.call(
                self._temporal.service.list_worker_deployments, request
            )
            versions += (
                deployment.routing_config.current_deployment_version
                for deployment in page.worker_deployments
                if deployment.routing_config.current_deployment_version.build_id
            )
            if not page.next_page_token:
                return versions
            request.next_page_token = page.next_page_token

    async def _module(self, version: WorkerDeploymentVersion) -> AnnouncedModule | None:
        described = await self._unless_deleted(
            self._temporal.service.describe_worker_deployment_version,
            DescribeWorkerDeploymentVersionRequest(
                namespace=self._temporal.namespace, deployment_version=version
            ),
        )
        if described is None:
            return None
        payload = described.worker_deployment_version_info.metadata.entries.get(METADATA_KEY)
        if payload is None:  # someone else's deployment
            return None
        try:
            announcement = Announcement.from_payload(payload)
        except ValueError as error:
            self._complain(version, f"its routes cannot be read: {error}")
            return None
        if announcement.format > _FORMAT:
            self._complain(
                version,
                f"its routes have format {announcement.format}, this gateway knows {_FORMAT}; "
                "upgrade the gateway",
            )
            return None
        return AnnouncedModule(version.deployment_name, version.build_id, announcement)

    async def _unless_deleted(self, method: Method[Any, Found], request: Any) -> Found | None:
        try:
            return await self._temporal.call(method, request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:  # deleted since it was listed
                return None
            raise

    def _complain(self, version: WorkerDeploymentVersion, problem: str) -> None:
        complaint = (version.deployment_name, version.build_id, problem)
        if complaint not in self._complained:  # once, not at every refresh
            self._complained.add(complaint)
            _log.warning("module %s %s is left out: %s", *complaint)


async def _few_at_a_time(
    read: Callable[[Item], Awaitable[Found]], of: Iterable[Item]
) -> list[Found]:
    limit = asyncio.Semaphore(_CONCURRENT_READS)

    async def one(item: Item) -> Found:
        async with limit:
            return await read(item)

    return await asyncio.gather(*(one(item) for item in of))


class EntryPointSource:
    """Reads the modules installed beside the gateway: for servers without worker versioning."""

    def __init__(self, points: Iterable[EntryPoint] | None = None) -> None:
        self._points = points

    async def read(self) -> Sequence[AnnouncedModule]:
        """Return every installed module.

        Raises:
            ConfigurationError: One cannot be imported, or two clash.
        """
        registry = await asyncio.to_thread(WorkerRegistry.discover, self._points)
        return [
            AnnouncedModule(module.name, module.version, Announcement.of(module))
            for module in registry
        ]
