"""Makes worker deployments as they may be found, without a worker behind them."""

import uuid
from typing import Any

from gateway_calls import Caller, Refusal, until
from temporalio.api.common.v1 import Payload
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.workflowservice.v1 import (
    CreateWorkerDeploymentRequest,
    CreateWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateWorkerDeploymentVersionMetadataRequest,
)
from temporalio.client import Client

from contextworker.core.announcement import METADATA_KEY


async def deploy(client: Client, name: str, build_id: str, announcement: Payload | None) -> None:
    """Make a deployment whose current version carries an announcement, or none."""
    await client.workflow_service.create_worker_deployment(
        CreateWorkerDeploymentRequest(
            namespace=client.namespace, deployment_name=name, request_id=str(uuid.uuid4())
        )
    )
    await deploy_version(client, name, build_id, announcement)


async def until_announced(caller: Caller, **wanted: str) -> None:
    """Return once a gateway lists a module with these values, and so has its routes.

    Temporal lists a deployment a moment after it was made, and again after each change of it; what
    a gateway has read of one, it keeps.
    """

    async def is_listed() -> bool:
        try:
            modules: list[dict[str, Any]] = (await caller.ask("ListModules", {}))["modules"]
        except Refusal:  # so many gateways may ask at once that Temporal puts some off
            return False
        return any(wanted.items() <= module.items() for module in modules)

    await until(is_listed, bool)


async def deploy_version(
    client: Client, name: str, build_id: str, announcement: Payload | None
) -> None:
    """Make a further version of a deployment, and make it current."""
    service, namespace = client.workflow_service, client.namespace
    version = WorkerDeploymentVersion(deployment_name=name, build_id=build_id)
    await service.create_worker_deployment_version(
        CreateWorkerDeploymentVersionRequest(
            namespace=namespace, deployment_version=version, request_id=str(uuid.uuid4())
        )
    )
    if announcement is not None:
        await service.update_worker_deployment_version_metadata(
            UpdateWorkerDeploymentVersionMetadataRequest(
                namespace=namespace,
                deployment_version=version,
                upsert_entries={METADATA_KEY: announcement},
            )
        )
    await set_current(client, name, build_id)


async def set_current(client: Client, name: str, build_id: str) -> None:
    """Make a version current; with an empty build id, none."""
    await client.workflow_service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace,
            deployment_name=name,
            build_id=build_id,
            allow_no_pollers=True,
            ignore_missing_task_queues=True,
        )
    )
