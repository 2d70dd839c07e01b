"""Tells whether a worker that polled a task queue can be there still.

Temporal remembers a poller for five minutes after its last poll and does not notice a worker's
death, so its list alone is no sign of life. An idle worker polls at least once a minute; and a
waiting task goes to whoever polls at once, so while one waits, a poller last seen more than moments
ago is gone, or busy. (Seen since the task began to wait is not enough: a task can be handed to the
poll of a worker that has just died, and then waits on.)
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from temporalio.api.enums.v1 import WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo

IDLE_POLL = timedelta(seconds=70)
"""A worker silent for longer is gone."""
_DISPATCH = timedelta(seconds=2)

Version = tuple[str, str]
"""Deployment name and build id."""
UNVERSIONED: Version = ("", "")


@dataclass(frozen=True)
class Poller:
    """One worker process as a task queue saw it last."""

    identity: str
    version: Version
    seen_at: datetime

    @classmethod
    def of(cls, info: PollerInfo) -> Self:
        """Read a poller as Temporal describes it."""
        options = info.deployment_options
        versioned = (
            options.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
        )
        return cls(
            identity=info.identity,
            version=(options.deployment_name, options.build_id) if versioned else UNVERSIONED,
            seen_at=info.last_access_time.ToDatetime(UTC),
        )

    def is_live(self, now: datetime, waiting_since: datetime | None = None) -> bool:
        """Tell whether it can be there still."""
        if now - self.seen_at > IDLE_POLL:
            return False
        return waiting_since is None or now - max(self.seen_at, waiting_since) < _DISPATCH
