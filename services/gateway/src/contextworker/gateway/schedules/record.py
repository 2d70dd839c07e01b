"""What Temporal would not keep of a schedule: how it was registered. Its runs carry it as a memo.

(Temporal turns a cron expression into ranges, and a schedule's own memo cannot be changed.)
"""

import hashlib
import json

from temporalio.api.common.v1 import Memo
from temporalio.converter import DataConverter

from contextcore import SecurityScopes
from contextworker.core.caller import CallerRights
from contextworker.core.messages import Message
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
        tenant_id: str,
        task_queue: str,
        scopes: SecurityScopes,
        rights: CallerRights | None,
    ) -> "ScheduleRecord":
        """Note a definition, with all else that its runs are made of."""
        content = {
            "format": _FORMAT,
            "definition": definition.model_dump(mode="json"),
            "tenant_id": tenant_id,
            "task_queue": task_queue,
            "scopes": scopes.model_dump(mode="json"),
        }
        if rights is not None:
            content["rights"] = rights.model_dump(mode="json")
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
