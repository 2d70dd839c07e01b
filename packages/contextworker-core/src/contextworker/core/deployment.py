"""A worker's place in Temporal's Worker Versioning: announce its routes, become current."""

import asyncio
import logging
import random
import time
from datetime import timedelta

from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.deployment.v1 import WorkerDeploymentVersion as VersionMessage
from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateWorkerDeploymentVersionMetadataRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior as SdkBehavior
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from contextworker.core.announcement import METADATA_KEY, Announcement
from contextworker.core.errors import ConfigurationError
from contextworker.core.registry import ModuleConfig
from contextworker.core.settings import Promotion, VersioningBehavior, WorkerSettings
from contextworker.core.versions import version_of

_log = logging.getLogger(__name__)
_RPC_TIMEOUT = timedelta(seconds=10)
# What Temporal says until the first poll has arrived, and to all but one of several workers that
# start at once: nothing to report, for a while.
_AT_FIRST = (
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.FAILED_PRECONDITION,
)
_AT_FIRST_S = 5
_BEHAVIOR = {
    VersioningBehavior.PINNED: SdkBehavior.PINNED,
    VersioningBehavior.AUTO_UPGRADE: SdkBehavior.AUTO_UPGRADE,
}


def deployment_config(
    module: ModuleConfig, settings: WorkerSettings
) -> WorkerDeploymentConfig | None:
    """Return what makes a worker part of its deployment; None where versioning is off."""
    if not settings.versioning:
        return None
    return WorkerDeploymentConfig(
        version=version_of(module, settings),
        use_worker_versioning=True,
        default_versioning_behavior=_BEHAVIOR[settings.versioning_behavior],
    )


async def announce(client: Client, module: ModuleConfig, settings: WorkerSettings) -> None:
    """Publish the module's routes, then make its version current where the setting says so.

    Keeps trying while Temporal is away or has not seen this worker poll yet; the routes come first,
    so that a version is never current without them.

    Raises:
        ConfigurationError: The worker's credentials do not permit it, or the routes are too large.
    """
    deployment = _Deployment(client, module, version_of(module, settings))
    started, delay = time.monotonic(), 0.05
    while True:
        try:
            await deployment.publish_routes()
            await deployment.promote(settings.promotion)
        except RPCError as error:
            if error.status == RPCStatusCode.PERMISSION_DENIED:
                raise ConfigurationError(
                    f"module {module.name!r} may not announce its routes: its credentials lack "
                    f"the permission to manage worker deployments ({error})"
                ) from error
            if error.status not in _AT_FIRST or time.monotonic() - started > _AT_FIRST_S:
                _log.warning("module %s: routes not announced yet: %s", module.name, error)
            # Workers that start together would go on asking together.
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            delay = min(delay * 2, 5.0)
        else:
            return


class _Deployment:
    def __init__(
        self, client: Client, module: ModuleConfig, version: WorkerDeploymentVersion
    ) -> None:
        self._service = client.workflow_service
        self._namespace = client.namespace
        self._module = module
        self._version = VersionMessage(
            deployment_name=version.deployment_name, build_id=version.build_id
        )

    async def publish_routes(self) -> None:
        """Write the announcement, unless the version carries the same one already."""
        payload = Announcement.of(self._module).to_payload()
        described = await self._service.describe_worker_deployment_version(
            DescribeWorkerDeploymentVersionRequest(
                namespace=self._namespace, deployment_version=self._version
            ),
            timeout=_RPC_TIMEOUT,
        )
        known = described.worker_deployment_version_info.metadata.entries.get(METADATA_KEY)
        if known is not None and known.data == payload.data:
            return
        await self._service.update_worker_deployment_version_metadata(
            UpdateWorkerDeploymentVersionMetadataRequest(
                namespace=self._namespace,
                deployment_version=self._version,
                upsert_entries={METADATA_KEY: payload},
            ),
            timeout=_RPC_TIMEOUT,
        )

    async def promote(self, promotion: Promotion) -> None:
        """Make this version current if the setting and the deployment's state call for it.

        Either way the log says how the version stands.
        """
        described = await self._service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(
                namespace=self._namespace, deployment_name=self._version.deployment_name
            ),
            timeout=_RPC_TIMEOUT,
        )
        info = described.worker_deployment_info
        current = info.routing_config.current_deployment_version.build_id
        wanted = promotion is Promotion.ALWAYS or (promotion is Promotion.FIRST and not current)
        # Temporal lets nobody else promote where an operator manages the deployment.
        if current == self._version.build_id or not wanted or info.manager_identity:
            self._say(info)
            return
        await self._service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=self._namespace,
                deployment_name=self._version.deployment_name,
                build_id=self._version.build_id,
                conflict_token=described.conflict_token,
                ignore_missing_task_queues=promotion is Promotion.ALWAYS,
            ),
            timeout=_RPC_TIMEOUT,
        )
        _log.info("%s is the current version now: new runs start on it", self._name)

    @property
    def _name(self) -> str:
        return f"module {self._module.name}: version {self._version.build_id}"

    def _say(self, info: WorkerDeploymentInfo) -> None:
        routing, own = info.routing_config, self._version.build_id
        current = routing.current_deployment_version.build_id
        if current == own:
            _log.info("%s is the current version: new runs start on it", self._name)
            return
        others = f"{current} is current" if current else "no version is current, so runs wait"
        if own in _draining(info):
            _log.info("%s finishes what began on it: no new run does (%s)", self._name, others)
            return
        ramps = routing.ramping_deployment_version.build_id == own
        share = routing.ramping_version_percentage if ramps else 0
        stands = f"gets {share:g} % of new runs" if share else "waits: no new run starts on it"
        promoting = (
            f"{info.manager_identity} promotes this deployment's versions"
            if info.manager_identity
            else f"promote it with: contextworker deploy promote {self._module.name} {own}"
        )
        _log.info("%s %s (%s); %s", self._name, stands, others, promoting)


def _draining(info: WorkerDeploymentInfo) -> set[str]:
    return {
        summary.deployment_version.build_id
        for summary in info.version_summaries
        if summary.status
        in (
            WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING,
            WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED,
        )
    }
