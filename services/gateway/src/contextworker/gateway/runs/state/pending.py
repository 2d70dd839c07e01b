"""The activities of an open run: what each is doing, and what it failed with last."""

from collections.abc import Iterable
from dataclasses import dataclass

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.converter import DataConverter

from contextworker.core.messages import Message
from contextworker.gateway.runs.state.failures import Cause, TaskError, decoded, links, retried
from contextworker.gateway.times import iso

_PREFIX = "PENDING_ACTIVITY_STATE_"


class PendingActivity(Message):
    """One activity that has not finished."""

    type: str
    state: str
    attempt: int
    maximum_attempts: int | None = None
    last_failure: Cause | None = None
    next_attempt_at: str | None = None
    last_heartbeat_at: str | None = None


@dataclass(frozen=True)
class Activities:
    """A run's pending activities, and the failure that holds it up, if one does."""

    pending: tuple[PendingActivity, ...] = ()
    error: TaskError | None = None


async def read_activities(
    converter: DataConverter, infos: Iterable[PendingActivityInfo]
) -> Activities:
    """Describe a run's pending activities; the error is that of the most tried one."""
    pending: list[PendingActivity] = []
    errors: list[TaskError] = []
    for info in infos:
        activity = _activity(info)
        if info.HasField("last_failure"):
            causes = links(await decoded(converter, info.last_failure))
            activity = activity.model_copy(update={"last_failure": causes[0]})
            errors.append(_error(activity, causes))
        pending.append(activity)
    error = max(errors, key=lambda error: error.attempt or 0, default=None)
    return Activities(tuple(pending), error)


def _activity(info: PendingActivityInfo) -> PendingActivity:
    waits = info.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return PendingActivity(
        type=info.activity_type.name,
        state=PendingActivityState.Name(info.state).removeprefix(_PREFIX).lower(),
        attempt=info.attempt,
        maximum_attempts=info.maximum_attempts or None,
        next_attempt_at=iso(info.next_attempt_schedule_time) if waits else None,
        last_heartbeat_at=iso(info.last_heartbeat_time),
    )


def _error(activity: PendingActivity, causes: list[Cause]) -> TaskError:
    # An activity with no attempt left is not pending: the one in hand is the retry.
    return retried(
        causes,
        will_retry=activity.state != "cancel_requested",
        activity=activity.type,
        attempt=activity.attempt,
        maximum_attempts=activity.maximum_attempts,
        next_attempt_at=activity.next_attempt_at,
    )
