"""What changes of a module while it is there: its versions, and what waits for its workers."""

import asyncio
from collections.abc import Iterator

from temporalio.api.deployment.v1 import RoutingConfig, WorkerDeploymentInfo
from temporalio.api.enums.v1 import TaskQueueType, WorkerDeploymentVersionStatus
from temporalio.api.taskqueue.v1 import TaskQueue, TaskQueueStats
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
)
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.messages import Message
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.times import iso

_PREFIX = "WORKER_DEPLOYMENT_VERSION_STATUS_"
Summary = WorkerDeploymentInfo.WorkerDeploymentVersionSummary


class ModuleVersion(Message):
    """One build of a module; what does not apply is None, and left out of the reply."""

    build_id: str
    status: str
    created_at: str | None
    current_since: str | None = None
    ramping_since: str | None = None
    ramp_percentage: float | None = None


class QueueBacklog(Message):
    """The tasks of one kind that wait for a worker; approximate, and over all versions."""

    count: int
    oldest_age_s: float

    @classmethod
    def of(cls, stats: TaskQueueStats) -> "QueueBacklog":
        """Read what Temporal tells of a queue."""
        return cls(
            count=stats.approximate_backlog_count,
            oldest_age_s=round(stats.approximate_backlog_age.ToTimedelta().total_seconds(), 3),
        )


class Backlog(Message):
    """What waits in a module's task queue."""

    workflow: QueueBacklog
    activity: QueueBacklog


async def read_versions(temporal: Temporal, deployment: str) -> list[ModuleVersion]:
    """Return every version of a deployment, the latest first; none where there is no deployment."""
    try:
        described = await temporal.call(
            temporal.service.describe_worker_deployment,
            DescribeWorkerDeploymentRequest(
                namespace=temporal.namespace, deployment_name=deployment
            ),
        )
    except RPCError as error:
        # Of a server without versioning, or one deleted since it was listed.
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.UNIMPLEMENTED):
            return []
        raise
    info = described.worker_deployment_info
    summaries = sorted(info.version_summaries, key=_created, reverse=True)
    return list(_versions(summaries, info.routing_config))


async def read_backlog(temporal: Temporal, task_queue: str) -> Backlog:
    """Return what waits in a task queue."""
    workflow, activity = await asyncio.gather(
        _read_backlog(temporal, task_queue, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
        _read_backlog(temporal, task_queue, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    )
    return Backlog(workflow=workflow, activity=activity)


async def _read_backlog(
    temporal: Temporal, task_queue: str, kind: TaskQueueType.ValueType
) -> QueueBacklog:
    described = await temporal.call(
        temporal.service.describe_task_queue,
        DescribeTaskQueueRequest(
            namespace=temporal.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=kind,
            report_stats=True,
        ),
    )
    return QueueBacklog.of(described.stats)


def _created(summary: Summary) -> tuple[int, int]:
    return summary.create_time.seconds, summary.create_time.nanos


def _versions(summaries: list[Summary], routing: RoutingConfig) -> Iterator[ModuleVersion]:
    for summary in summaries:
        build_id = summary.deployment_version.build_id
        status = WorkerDeploymentVersionStatus.Name(summary.status)
        ramps = build_id == routing.ramping_deployment_version.build_id
        yield ModuleVersion(
            build_id=build_id,
            status=status.removeprefix(_PREFIX).lower(),
            created_at=iso(summary.create_time),
            current_since=iso(summary.current_since_time),
            ramping_since=iso(summary.ramping_since_time),
            ramp_percentage=round(routing.ramping_version_percentage, 2) if ramps else None,
        )
