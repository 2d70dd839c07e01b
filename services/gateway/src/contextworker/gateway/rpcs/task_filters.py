"""Reads which runs a ListTasks request is about."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contextcore import Violation
from contextworker.core.workflow_ids import MAX_CHARACTERS
from contextworker.gateway.errors import InvalidRequestError
from contextworker.gateway.rpcs.requests import TENANT_FIELD
from contextworker.gateway.runs.listing import LARGEST_PAGE, LISTED_STATUSES, TaskFilter
from contextworker.gateway.runs.status import Status

# Temporal finds nothing by a value with one of these: it compares with the value as it was quoted.
_NOT_TO_BE_FOUND = re.compile(r'[\\"\x00-\x1f]')
_MOST_TOKEN = 10_000
_MOST_TIME = 100

FILTER_FIELDS: Mapping[str, Any] = {
    "workflow_type": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS},
    "status": {"enum": [str(status) for status in LISTED_STATUSES]},
    "started_after": {"type": "string", "maxLength": _MOST_TIME},
    "started_before": {"type": "string", "maxLength": _MOST_TIME},
    "tenant_id": TENANT_FIELD,
    "page_size": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
    "page_token": {"type": "string", "maxLength": _MOST_TOKEN},
}


def read_filter(payload: Mapping[str, Any]) -> TaskFilter:
    """Read the filter of a payload that fits the schema.

    Raises:
        InvalidRequestError: A time is none, or Temporal cannot look for the workflow type.
    """
    problems: list[Violation] = []
    if _NOT_TO_BE_FOUND.search(payload.get("workflow_type", "")):
        problems.append(
            Violation(
                "payload.workflow_type",
                "holds a backslash, a double quote or a control character, by which Temporal "
                "cannot look for runs",
            )
        )
    after = _time(payload, "started_after", problems)
    before = _time(payload, "started_before", problems)
    if problems:
        raise InvalidRequestError(problems)
    status = payload.get("status")
    return TaskFilter(
        workflow_type=payload.get("workflow_type"),
        status=None if status is None else Status(status),
        started_after=after,
        started_before=before,
        tenant_id=payload.get("tenant_id"),
    )


def _time(payload: Mapping[str, Any], field: str, problems: list[Violation]) -> datetime | None:
    if field not in payload:
        return None
    try:
        time = datetime.fromisoformat(payload[field])
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(
            Violation(
                f"payload.{field}",
                "must be a time as ISO 8601 writes it, such as 2026-01-31T08:00:00Z",
            )
        )
        return None
