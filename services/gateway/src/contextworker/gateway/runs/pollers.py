"""Tells whether a worker is there for a task queue.

Temporal remembers a poller for five minutes after its last poll and does not notice a worker's
death, so its list alone is no sign of life. An idle worker polls at least once a minute; and a
waiting task goes to whoever polls at once, so while one waits, a poller last seen more than moments
ago is gone, or busy. (Seen since the task began to wait is not enough: a task can be handed to the
poll of a worker that has just died, and then waits on.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from contextworker.gateway.runs.times import moment
from contextworker.gateway.temporal import Temporal

_IDLE_POLL = timedelta(seconds=70)
_DISPATCH = timedelta(seconds=2)
Version = tuple[str, str]
UNVERSIONED: Version = ("", "")


@dataclass(frozen=True)
class Poller:
    """One worker process as a task queue saw it last."""

    identity: str
    version: Version
    seen_at: datetime

    def is_live(self, now: datetime, waiting_since: datetime | None) -> bool:
        """Tell whether it can be there still."""
        if now - self.seen_at > _IDLE_POLL:
            return False
        return waiting_since is None or now - max(self.seen_at, waiting_since) < _DISPATCH


@dataclass(frozen=True)
class Queue:
    """A task queue: who polls it, and which version new runs go to."""

    name: str
    pollers: Sequence[Poller]
    current: Version

    def live(
        self, *, version: Version | None = None, waiting_since: datetime | None = None
    ) -> list[Poller]:
        """Return the pollers that serve a version and can be there still."""
        now = datetime.now(UTC)
        wanted = version or self.current
        return [
            poller
            for poller in self.pollers
            if poller.version == wanted and poller.is_live(now, waiting_since)
        ]

    def why_nobody(
        self, *, version: Version | None = None, waiting_since: datetime | None = None
    ) -> str | None:
        """Say why a task waits; None where a worker is there to take it."""
        wanted = version or self.current
        if self.live(version=wanted, waiting_since=waiting_since):
            return None
        now = datetime.now(UTC)
        others = {
            poller.version for poller in self.pollers if poller.is_live(now, waiting_since)
        } - {wanted}
        if not others:
            return f"no worker polls {self.name}"
        seen = ", ".join(sorted(_named(other) for other in others))
        if wanted == UNVERSIONED:
            return f"{seen} polls {self.name}, but is not its deployment's current version"
        return f"no worker of {_named(wanted)} polls {self.name}, only {seen}"


async def read_queue(
    temporal: Temporal,
    name: str,
    kind: TaskQueueType.ValueType = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
) -> Queue:
    """Ask Temporal who polls a task queue."""
    described = await temporal.call(
        temporal.service.describe_task_queue,
        DescribeTaskQueueRequest(
            namespace=temporal.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind
        ),
    )
    return Queue(
        name=name,
        pollers=[_poller(info) for info in described.pollers],
        current=version_of(described.versioning_info.current_deployment_version),
    )


def version_of(version: WorkerDeploymentVersion) -> Version:
    """Read a deployment version."""
    return version.deployment_name, version.build_id


def _poller(info: PollerInfo) -> Poller:
    options = info.deployment_options
    versioned = (
        options.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
    )
    return Poller(
        identity=info.identity,
        version=(options.deployment_name, options.build_id) if versioned else UNVERSIONED,
        seen_at=moment(info.last_access_time) or datetime.fromtimestamp(0, UTC),
    )


def _named(version: Version) -> str:
    return "a worker without a version" if version == UNVERSIONED else " ".join(version)
