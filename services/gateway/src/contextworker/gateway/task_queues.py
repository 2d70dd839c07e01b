"""Tells who polls a task queue, and why a task of it waits."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from contextworker.core.pollers import UNVERSIONED, Poller, Version
from contextworker.gateway.shared_task import shared_task
from contextworker.gateway.temporal import Temporal

# Short beside the two seconds in which a waiting run must show it.
_KEPT_S = 0.5


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


class Queues:
    """The task queues as they were a moment ago, however many callers ask about them.

    Every look at an open run asks who polls its queue, and a module's runs all ask the same.
    """

    def __init__(self, temporal: Temporal) -> None:
        self._temporal = temporal
        self._readings: dict[tuple[str, TaskQueueType.ValueType], asyncio.Task[Queue]] = {}

    async def read(
        self, name: str, kind: TaskQueueType.ValueType = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    ) -> Queue:
        """Ask Temporal who polls a task queue, unless it was asked less than a moment ago."""
        reading = self._readings.get((name, kind))
        if reading is None:
            reading = self._readings[name, kind] = shared_task(self._read(name, kind))
        return await asyncio.shield(reading)

    async def _read(self, name: str, kind: TaskQueueType.ValueType) -> Queue:
        kept_s = 0.0  # an error is for those who wait already
        try:
            described = await self._temporal.call(
                self._temporal.service.describe_task_queue,
                DescribeTaskQueueRequest(
                    namespace=self._temporal.namespace,
                    task_queue=TaskQueue(name=name),
                    task_queue_type=kind,
                ),
            )
            kept_s = _KEPT_S
        finally:
            loop = asyncio.get_running_loop()
            loop.call_later(kept_s, self._readings.pop, (name, kind), None)
        return Queue(
            name=name,
            pollers=[Poller.of(info) for info in described.pollers],
            current=version_of(described.versioning_info.current_deployment_version),
        )


def version_of(version: WorkerDeploymentVersion) -> Version:
    """Read a deployment version."""
    return version.deployment_name, version.build_id


def _named(version: Version) -> str:
    return "a worker without a version" if version == UNVERSIONED else " ".join(version)
