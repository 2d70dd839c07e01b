"""Changes where new runs go, in one step each, and only from the state that was looked at.

To change twice what is so already is no error to Temporal, so a call may be tried again.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from temporalio.api.enums.v1 import RoutingConfigUpdateState
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contextworker.cli.deployments.models import Deployment
from contextworker.cli.errors import DeployError
from contextworker.cli.output.hints import command

SETTLED_WITHIN_S: Final = 10.0
_POLL_S: Final = 0.1
# Of changes at the same moment, Temporal refuses some before it looks at their tokens.
_SOMEBODY_ELSE: Final = ("conflict token", "too many requests issued to Worker Deployment")


async def set_current(
    client: Client, deployment: Deployment, build_id: str, *, force: bool
) -> list[str]:
    """Send new runs to a version; returns what a person should know.

    Raises:
        DeployError: Somebody else changed the deployment meanwhile, or manages it.
    """
    with _refused(deployment):
        await client.workflow_service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=client.namespace,
                identity=client.identity,
                deployment_name=deployment.name,
                build_id=build_id,
                conflict_token=deployment.conflict_token,
                ignore_missing_task_queues=force,
                allow_no_pollers=force,
            ),
            retry=True,
        )
    return await _settled(client, deployment)


async def set_ramp(
    client: Client, deployment: Deployment, build_id: str, percentage: float, *, force: bool
) -> list[str]:
    """Send some of the new runs to a version; an empty build id ends the ramp.

    Raises:
        DeployError: Somebody else changed the deployment meanwhile, or manages it.
    """
    with _refused(deployment):
        await client.workflow_service.set_worker_deployment_ramping_version(
            SetWorkerDeploymentRampingVersionRequest(
                namespace=client.namespace,
                identity=client.identity,
                deployment_name=deployment.name,
                build_id=build_id,
                percentage=percentage,
                conflict_token=deployment.conflict_token,
                ignore_missing_task_queues=force,
                allow_no_pollers=force,
            ),
            retry=True,
        )
    return await _settled(client, deployment)


@contextmanager
def _refused(deployment: Deployment) -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if any(words in error.message for words in _SOMEBODY_ELSE):
            raise DeployError(
                f"Somebody else changed the versions of {deployment.module} meanwhile, so nothing "
                "was changed.",
                [f"See how they stand:  {command(f'deploy status {deployment.module}')}"],
            ) from error
        if error.status is not RPCStatusCode.FAILED_PRECONDITION:
            raise
        raise DeployError(
            f"Temporal refuses this for {deployment.module}: {error.message}"
        ) from error


async def _settled(client: Client, deployment: Deployment) -> list[str]:
    """Wait until every task queue knows of the change."""
    if not any(version.task_queues for version in deployment.versions):
        return []  # nobody ever polled: Temporal has no queue to tell, and never calls it done
    request = DescribeWorkerDeploymentRequest(
        namespace=client.namespace, deployment_name=deployment.name
    )
    try:
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while True:
                described = await client.workflow_service.describe_worker_deployment(
                    request, retry=True
                )
                state = described.worker_deployment_info.routing_config_update_state
                if state != RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS:
                    return []
                await asyncio.sleep(_POLL_S)
    except (TimeoutError, RPCError):  # the change itself is made
        return ["Temporal is still telling its task queues of the change."]
