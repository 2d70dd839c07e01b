"""What Temporal would not keep of a schedule: how it was registered. Its runs carry it as a memo.

(Temporal turns a cron expression into ranges, and a schedule's own memo cannot be changed.)
"""

import hashlib
import json

from temporalio.api.common.v1 import Memo
from temporalio.converter import DataConverter

from contextcore import SecurityScopes
from contextworker.core.messages import Message
from contextworker.gateway.runs.plan import PlannedRun
from contextworker.gateway.schedules.definition import Definition
from contextworker.gateway.temporal import UNREADABLE

MEMO_KEY = "contextworker.schedule"
_FORMAT = 1  # grows when the same definition is to be written in another way


class ScheduleRecord(Message):
    """A schedule as it was registered, and a digest that tells whether anything of it changed."""

    schedule_id: str
    cron: str
    timezone: str
    paused: bool | None
    digest: str

    @classmethod
    def of(
        cls,
        definition: Definition,
        run: PlannedRun,
        scopes: SecurityScopes,
    ) -> "ScheduleRecord":
        """Note a definition, with all else that its runs are made of."""
        content = {
            "format": _FORMAT,
            "definition": definition.model_dump(mode="json"),
            "tenant_id": run.tenant_id,
            "task_queue": run.task_queue,
            "summary": run.summary,
            "found_by": {
                name: mark.data.decode()
                for name, mark in run.search_attributes.indexed_fields.items()
            },
            "scopes": scopes.model_dump(mode="json"),
        }
        if run.rights is not None:
            content["rights"] = run.rights.model_dump(mode="json")
        text = json.dumps(content, sort_keys=True)
        return cls(
            schedule_id=definition.schedule_id,
            cron=definition.cron,
            timezone=definition.timezone,
            paused=definition.paused,
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )


async def record_of(converter: DataConverter, memo: Memo) -> ScheduleRecord | None:
    """Read what was noted; None where the gateway noted nothing that it can read."""
    if MEMO_KEY not in memo.fields:
        return None
    try:
        [record] = await converter.decode([memo.fields[MEMO_KEY]], [ScheduleRecord])
    except UNREADABLE:
        return None
    return ScheduleRecord.model_validate(record)
