"""A worker's place in Temporal's Worker Versioning: announce its routes, become current."""

import asyncio
import logging
import time
from datetime import timedelta

from temporalio.api.deployment.v1 import WorkerDeploymentVersion as VersionMessage
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

_log = logging.getLogger(__name__)
_RPC_TIMEOUT = timedelta(seconds=10)
_BEHAVIOR = {
    VersioningBehavior.PINNED: SdkBehavior.PINNED,
    VersioningBehavior.AUTO_UPGRADE: SdkBehavior.AUTO_UPGRADE,
}


def version_of(module: ModuleConfig) -> WorkerDeploymentVersion:
    """Name the module's version: deployment = module name, build id = package version."""
    return WorkerDeploymentVersion(deployment_name=module.name, build_id=module.build_id)


def deployment_config(
    module: ModuleConfig, settings: WorkerSettings
) -> WorkerDeploymentConfig | None:
    """Return what makes a worker part of its deployment; None where versioning is off."""
    if not settings.versioning:
        return None
    return WorkerDeploymentConfig(
        version=version_of(module),
        use_worker_versioning=True,
        default_versioning_behavior=_BEHAVIOR[settings.versioning_behavior],
    )


async def announce(client: Client, module: ModuleConfig, promotion: Promotion) -> None:
    """Publish the module's routes, then make its version current where the setting says so.

    Keeps trying while Temporal is away or has not seen this worker poll yet; the routes come first,
    so that a version is never current without them.

    Raises:
        ConfigurationError: The worker's credentials do not permit it, or the routes are too large.
    """
    deployment = _Deployment(client, module)
    started, delay = time.monotonic(), 0.05
    while True:
        try:
            await deployment.publish_routes()
            await deployment.promote(promotion)
        except RPCError as error:
            if error.status == RPCStatusCode.PERMISSION_DENIED:
                raise ConfigurationError(
                    f"module {module.name!r} may not announce its routes: its credentials lack "
                    f"the permission to manage worker deployments ({error})"
                ) from error
            # NOT_FOUND is what Temporal says until the first poll has arrived: nothing to report.
            patience_s = 5
            if error.status != RPCStatusCode.NOT_FOUND or time.monotonic() - started > patience_s:
                _log.warning("module %s: routes not announced yet: %s", module.name, error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)
        else:
            return


class _Deployment:
    def __init__(self, client: Client, module: ModuleConfig) -> None:
        self._service = client.workflow_service
        self._namespace = client.namespace
        self._module = module
        self._version = VersionMessage(deployment_name=module.name, build_id=module.build_id)

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
        """Make this version current, if the setting and the deployment's state call for it."""
        if promotion is Promotion.NEVER:
            return
        described = await self._service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(
                namespace=self._namespace, deployment_name=self._module.name
            ),
            timeout=_RPC_TIMEOUT,
        )
        info = described.worker_deployment_info
        current = info.routing_config.current_deployment_version.build_id
        if current == self._version.build_id:
            return
        if current and promotion is Promotion.FIRST:
            _log.info(
                "module %s: version %s waits; %s stays current until this one is promoted",
                self._module.name,
                self._version.build_id,
                current,
            )
            return
        await self._service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=self._namespace,
                deployment_name=self._module.name,
                build_id=self._version.build_id,
                conflict_token=described.conflict_token,
                ignore_missing_task_queues=promotion is Promotion.ALWAYS,
            ),
            timeout=_RPC_TIMEOUT,
        )
        _log.info("module %s: version %s is current", self._module.name, self._version.build_id)
