"""Reads deployments from Temporal: versions, their workers, their runs.

Every call is tried again: Temporal turns away whoever asks while several workers start.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.deployment.v1 import (
    RoutingConfig,
    WorkerDeploymentInfo,
    WorkerDeploymentVersion,
    WorkerDeploymentVersionInfo,
)
from temporalio.api.enums.v1 import TaskQueueType, WorkerDeploymentVersionStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    DescribeWorkerDeploymentVersionResponse,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contextworker.cli.deployments.models import Deployment, Routing, Version, VersionState
from contextworker.core.announcement import METADATA_KEY, Announcement
from contextworker.core.pollers import Poller

Summary = WorkerDeploymentInfo.WorkerDeploymentVersionSummary
_CONCURRENT = 8
_STATES: Mapping[int, VersionState] = {
    WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED: VersionState.DRAINED,
    WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_INACTIVE: VersionState.INACTIVE,
    WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_CREATED: VersionState.INACTIVE,
}


async def read_deployment(client: Client, name: str) -> Deployment:
    """Read a deployment by its name in Temporal.

    Raises:
        RPCError: NOT_FOUND where there is none of that name.
    """
    described = await client.workflow_service.describe_worker_deployment(
        DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=name),
        retry=True,
    )
    info = described.worker_deployment_info
    reader = _Reader(client, read_routing(info.routing_config))
    read = await asyncio.gather(*(reader.read(summary) for summary in info.version_summaries))
    found = sorted(filter(None, read), key=lambda each: each.version.created_at, reverse=True)
    modules = [each.module for each in found if each.module]
    return Deployment(
        module=modules[0] if modules else name,
        name=name,
        manager=info.manager_identity,
        routing=reader.routing,
        versions=tuple(each.version for each in found),
        conflict_token=described.conflict_token,
    )


def read_routing(config: RoutingConfig) -> Routing:
    """Read where new runs go."""
    return Routing(
        current=config.current_deployment_version.build_id or None,
        ramping=config.ramping_deployment_version.build_id or None,
        percentage=round(config.ramping_version_percentage, 4),
    )


def read_announcement(info: WorkerDeploymentVersionInfo) -> Announcement | None:
    """Read what a version's workers announced; None where they did not, or as something else."""
    payload = info.metadata.entries.get(METADATA_KEY)
    if payload is None:
        return None
    try:
        return Announcement.from_payload(payload)
    except ValueError:
        return None


async def describe_version(
    client: Client, version: WorkerDeploymentVersion
) -> DescribeWorkerDeploymentVersionResponse:
    """Ask Temporal about one version."""
    return await client.workflow_service.describe_worker_deployment_version(
        DescribeWorkerDeploymentVersionRequest(
            namespace=client.namespace, deployment_version=version, report_task_queue_stats=True
        ),
        retry=True,
    )


async def read_pollers(client: Client, queue: str) -> list[Poller]:
    """Ask Temporal who polls a queue for workflow tasks."""
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        ),
        retry=True,
    )
    return [Poller.of(info) for info in described.pollers]


class _Read(NamedTuple):
    module: str | None
    version: Version


class _Reader:
    def __init__(self, client: Client, routing: Routing) -> None:
        self.routing = routing
        self._client = client
        self._limit = asyncio.Semaphore(_CONCURRENT)

    async def read(self, summary: Summary) -> _Read | None:
        """Read one version; None where it was deleted since it was listed."""
        async with self._limit:
            try:
                described = await describe_version(self._client, summary.deployment_version)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return None
                raise
            queues = frozenset(queue.name for queue in described.version_task_queues)
            pollers = [
                poller
                for queue in queues
                for poller in await read_pollers(self._client, queue)
                if poller.version == _identity(summary)
            ]
            pinned_runs = await self._pinned_runs(summary)
        now = datetime.now(UTC)
        announcement = read_announcement(described.worker_deployment_version_info)
        stats = [queue.stats for queue in described.version_task_queues]
        build_id = summary.deployment_version.build_id
        version = Version(
            build_id=build_id,
            state=self._state(summary),
            percentage=self.routing.share(build_id),
            created_at=summary.create_time.ToDatetime(UTC),
            last_current_at=_moment(summary.last_current_time),
            workers=len({poller.identity for poller in pollers if poller.is_live(now)}),
            last_poll_at=max((poller.seen_at for poller in pollers), default=None),
            pinned_runs=pinned_runs,
            backlog=sum(each.approximate_backlog_count for each in stats),
            backlog_age_s=max(
                (each.approximate_backlog_age.ToMilliseconds() / 1000 for each in stats), default=0
            ),
            task_queues=queues,
            routes=(
                tuple(route.workflow_type for route in announcement.routes)
                if announcement
                else None
            ),
        )
        return _Read(announcement.module if announcement else None, version)

    async def _pinned_runs(self, summary: Summary) -> int:
        counted = await self._client.count_workflows(
            f"TemporalWorkerDeploymentVersion = '{':'.join(_identity(summary))}' "
            "AND TemporalWorkflowVersioningBehavior = 'Pinned' AND ExecutionStatus = 'Running'"
        )
        return counted.count

    def _state(self, summary: Summary) -> VersionState:
        # A version's own status lags behind the deployment's routing, which decides.
        build_id = summary.deployment_version.build_id
        if build_id == self.routing.current:
            return VersionState.CURRENT
        if build_id == self.routing.ramping:
            return VersionState.RAMPING
        return _STATES.get(summary.status, VersionState.DRAINING)


def _identity(summary: Summary) -> tuple[str, str]:
    return summary.deployment_version.deployment_name, summary.deployment_version.build_id


def _moment(timestamp: Timestamp) -> datetime | None:
    return timestamp.ToDatetime(UTC) if timestamp.ByteSize() else None
