"""Reads which runs a ListTasks request is about."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contextcore import Violation
from contextworker.core.workflow_ids import MAX_CHARACTERS
from contextworker.gateway.errors import InvalidRequestError
from contextworker.gateway.rpcs.requests import TENANT_FIELD, TIME_FIELD, page_fields
from contextworker.gateway.runs.listing import LISTED_STATUSES, TaskFilter
from contextworker.gateway.runs.state.status import Status
from contextworker.gateway.times import parsed

# Temporal finds nothing by a value with one of these: it compares with the value as it was quoted.
_NOT_TO_BE_FOUND = re.compile(r'[\\"\x00-\x1f]')
_LARGEST_PAGE = 200

FILTER_FIELDS: Mapping[str, Any] = {
    "workflow_type": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS},
    "status": {"enum": [str(status) for status in LISTED_STATUSES]},
    "started_after": TIME_FIELD,
    "started_before": TIME_FIELD,
    "tenant_id": TENANT_FIELD,
    **page_fields(_LARGEST_PAGE),
}


def read_filter(payload: Mapping[str, Any]) -> TaskFilter:
    """Read the filter of a payload that fits the schema.

    Raises:
        InvalidRequestError: Temporal cannot look for the workflow type.
    """
    if _NOT_TO_BE_FOUND.search(payload.get("workflow_type", "")):
        raise InvalidRequestError(
            [
                Violation(
                    "payload.workflow_type",
                    "holds a backslash, a double quote or a control character, by which Temporal "
                    "cannot look for runs",
                )
            ]
        )
    status = payload.get("status")
    return TaskFilter(
        workflow_type=payload.get("workflow_type"),
        status=None if status is None else Status(status),
        started_after=_time(payload, "started_after"),
        started_before=_time(payload, "started_before"),
        tenant_id=payload.get("tenant_id"),
    )


def _time(payload: Mapping[str, Any], field: str) -> datetime | None:
    return parsed(payload[field]) if field in payload else None
