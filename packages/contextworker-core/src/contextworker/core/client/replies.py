"""What a gateway replies, frozen and typed; what a newer one says besides is in `model_extra`."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

_CLOSED: Final = frozenset({"completed", "failed", "cancelled", "terminated", "timed_out"})


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[AwareDatetime, PlainSerializer(_iso, when_used="json")]


class Reply(BaseModel):
    """A reply, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def dump(self) -> dict[str, Any]:
        """Return what the gateway said as JSON values, keys in order, nothing added."""
        dumped: dict[str, Any] = _sorted(
            self.model_dump(mode="json", exclude_unset=True, by_alias=True)
        )
        return dumped


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


class Started(Reply):
    """The reply to a start."""

    workflow_id: str
    run_id: str = ""
    status: str = "started"
    workflow_type: str = ""
    task_queue: str = ""

    @property
    def joined(self) -> bool:
        """Whether a run of another unit was under way already under the same workflow id."""
        return self.status == "already_running"


class Cause(Reply):
    """One link of what a failure was caused by."""

    type: str = ""
    message: str = ""


class Failure(Cause):
    """Why a run failed, or what its activity fails with at the moment."""

    will_retry: bool = False
    activity: str | None = None
    attempt: int | None = None
    maximum_attempts: int | None = None
    next_attempt_at: Time | None = None
    causes: tuple[Cause, ...] = ()

    def sentence(self) -> str:
        """Say what went wrong, and where it is not over, what comes next."""
        text = self.message or self.type or "no reason was given"
        if not self.will_retry:
            return text
        attempt = f"attempt {self.attempt} of {self.activity} failed" if self.attempt else "failed"
        again = f"again at {_iso(self.next_attempt_at)}" if self.next_attempt_at else "trying again"
        return f"{text} ({attempt}; {again})"


class Step(Reply):
    """One thing that a run does or did: `running`, `completed` or `failed`."""

    name: str
    status: str = ""
    detail: str = ""


class Progress(Reply):
    """How far a run is."""

    stage: str = ""
    done: int = 0
    total: int | None = None
    unit: str = "rows"
    steps: tuple[Step, ...] | None = None
    """What it did one by one, where it keeps count of that; the earliest may be left out."""


class PendingActivity(Reply):
    """An activity that a run waits for."""

    type: str = ""
    state: str = ""
    attempt: int = 1
    maximum_attempts: int | None = None
    last_failure: Cause | None = None
    next_attempt_at: Time | None = None
    last_heartbeat_at: Time | None = None


class TaskSummary(Reply):
    """One task of a list."""

    workflow_id: str
    run_id: str = ""
    workflow_type: str = ""
    status: str
    task_queue: str = ""
    tenant_id: str | None = None
    started_at: Time | None = None
    closed_at: Time | None = None

    @property
    def closed(self) -> bool:
        """Whether the task has ended, in whatever way."""
        return self.status in _CLOSED or self.closed_at is not None

    @property
    def completed(self) -> bool:
        """Whether the task has ended as it should."""
        return self.status == "completed"


class TaskStatus(TaskSummary):
    """How a task stands."""

    progress: Progress | None = None
    result: Any = None
    error: Failure | None = None
    reason: str | None = None
    pending_activities: tuple[PendingActivity, ...] = ()

    @property
    def has_result(self) -> bool:
        """Whether `result` is what the workflow returned, which may be None."""
        return "result" in self.model_fields_set


class Cancelled(Reply):
    """The reply to a cancel: `status` is `cancelling`, or how the task had ended before."""

    workflow_id: str
    run_id: str = ""
    status: str = ""


class TaskPage(Reply):
    """Some of the tasks, and where the next ones begin."""

    tasks: tuple[TaskSummary, ...] = ()
    next_page_token: str | None = None


class RouteInfo(Reply):
    """One workflow type of a module."""

    workflow_type: str
    description: str = ""
    workflow_id: str | None = None
    payload_schema: dict[str, Any] | None = Field(default=None, alias="schema")


class VersionInfo(Reply):
    """One version of a module."""

    build_id: str
    status: str = ""
    created_at: Time | None = None
    current_since: Time | None = None
    ramping_since: Time | None = None
    ramp_percentage: float | None = None


class QueueBacklog(Reply):
    """The tasks of one kind that wait for a worker, about."""

    count: int = 0
    oldest_age_s: float = 0.0


class Backlog(Reply):
    """What waits in a module's task queue, of all its versions."""

    workflow: QueueBacklog = QueueBacklog()
    activity: QueueBacklog = QueueBacklog()


class ModuleInfo(Reply):
    """One module."""

    name: str
    task_queue: str = ""
    build_id: str = ""
    workers: int | None = None
    versions: tuple[VersionInfo, ...] = ()
    backlog: Backlog | None = None
    routes: tuple[RouteInfo, ...] = ()


class ModuleList(Reply):
    """Every module that the gateway routes to."""

    modules: tuple[ModuleInfo, ...] = ()


class ScheduledRun(Reply):
    """A run that a schedule started."""

    workflow_id: str
    run_id: str = ""
    scheduled_at: Time | None = None
    started_at: Time | None = None


class ScheduleCounts(Reply):
    """What became of a schedule's times: those missed were too late, those dropped too many."""

    started: int = 0
    missed: int = 0
    skipped: int = 0
    dropped: int = 0


class ScheduleInfo(Reply):
    """One schedule."""

    schedule_id: str
    tenant_id: str = ""
    workflow_type: str = ""
    cron: str = ""
    timezone: str = "UTC"
    overlap: str = ""
    catchup_window_s: int | None = None
    paused: bool = False
    note: str | None = None
    payload: dict[str, Any] = {}
    created_at: Time | None = None
    updated_at: Time | None = None
    next_run_at: Time | None = None
    next_runs: tuple[Time, ...] = ()
    recent_runs: tuple[ScheduledRun, ...] = ()
    running: tuple[ScheduledRun, ...] = ()
    counts: ScheduleCounts = ScheduleCounts()
    reason: str | None = None


class SchedulePage(Reply):
    """Some of the schedules, and where the next ones begin."""

    schedules: tuple[ScheduleInfo, ...] = ()
    next_page_token: str | None = None


class Registered(Reply):
    """How many schedules a set has, and what registering it changed."""

    registered_count: int
    created: int = 0
    updated: int = 0
    unchanged: int = 0


class ScheduleChanged(Reply):
    """The reply to a pause, a resume or a delete."""

    schedule_id: str
    tenant_id: str = ""
    paused: bool | None = None


class Triggered(Reply):
    """The reply to a trigger: the run it started, or in `reason` why there is none yet."""

    schedule_id: str
    tenant_id: str = ""
    workflow_id: str | None = None
    run_id: str | None = None
    reason: str | None = None


class Backfilled(Reply):
    """The reply to a backfill: `runs` is how many times of the cron lie in the span."""

    schedule_id: str
    tenant_id: str = ""
    runs: int = 0
