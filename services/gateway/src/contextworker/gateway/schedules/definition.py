"""A schedule as its owner registers it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import Field
from temporalio.api.enums.v1 import ScheduleOverlapPolicy

from contextworker.core.messages import Message
from contextworker.core.workflow_ids import MAX_CHARACTERS

MAX_SCHEDULES = 100
"""Of one set."""

_HOUR_S = 3600
_YEAR_S = 365 * 24 * _HOUR_S


class Overlap(StrEnum):
    """What happens to a run that is due while an earlier one of the schedule is open."""

    SKIP = "skip"
    BUFFER_ONE = "buffer_one"
    BUFFER_ALL = "buffer_all"
    CANCEL_OTHER = "cancel_other"
    TERMINATE_OTHER = "terminate_other"
    ALLOW_ALL = "allow_all"

    @property
    def policy(self) -> ScheduleOverlapPolicy.ValueType:
        """The same in Temporal's terms."""
        return ScheduleOverlapPolicy.Value(f"SCHEDULE_OVERLAP_POLICY_{self.name}")

    @classmethod
    def of(cls, policy: ScheduleOverlapPolicy.ValueType) -> "Overlap":
        """Read Temporal's policy; one that is not said, or not known here, is its default."""
        name = ScheduleOverlapPolicy.Name(policy).removeprefix("SCHEDULE_OVERLAP_POLICY_")
        return cls.__members__.get(name, cls.SKIP)


SCHEDULE_ID: Mapping[str, Any] = {
    "type": "string",
    "maxLength": 128,
    "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$",
}
OVERLAP: Mapping[str, Any] = {"enum": list(Overlap)}
DEFINITION: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "schedule_id": SCHEDULE_ID,
        "workflow_type": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS},
        "cron": {"type": "string", "minLength": 1, "maxLength": 200},
        "payload": {"type": "object"},
        "timezone": {"type": "string", "minLength": 1, "maxLength": 64},
        "overlap": OVERLAP,
        "catchup_window_s": {"type": "integer", "minimum": 10, "maximum": _YEAR_S},
        "paused": {"type": "boolean"},
    },
    "required": ["schedule_id", "workflow_type", "cron"],
    "additionalProperties": False,
}
"""JSON Schema of one schedule in a set."""


class Definition(Message):
    """One schedule of a set; the payload has that form already."""

    schedule_id: str
    workflow_type: str
    cron: str
    payload: dict[str, Any] = Field(default_factory=dict)
    timezone: str = "UTC"
    overlap: Overlap = Overlap.SKIP
    catchup_window_s: int = _HOUR_S
    """How late a run may still start, after an outage of Temporal's."""

    paused: bool | None = None
    """None: as it is; a new schedule is not."""
