"""A schedule as it is registered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When to start which workflow, with which payload.

    Attributes:
        schedule_id: Names it among the tenant's schedules; registered again, it is changed.
        workflow_type: What to start.
        cron: When, as in crontab: `0 6 * * *`.
        payload: The fields of each start.
        timezone: Of `cron`, such as `Europe/Kyiv`; UTC where none is given.
        overlap: What to do while an earlier run is open; the gateway's README lists the choices.
        catchup_window_s: Seconds that a run may be late after an outage, and still start; 3600
            where none are given.
        paused: Whether to start nothing until it is resumed.
    """

    schedule_id: str
    workflow_type: str
    cron: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    timezone: str | None = None
    overlap: str | None = None
    catchup_window_s: int | None = None
    paused: bool | None = None

    def payload_entry(self) -> dict[str, Any]:
        """Return the schedule as RegisterSchedules takes it."""
        entry = {**vars(self), "payload": dict(self.payload)}
        return {name: value for name, value in entry.items() if value is not None}
