"""Leaves search attributes out of what is asked of Temporal."""

from collections.abc import Collection
from typing import Any, TypeVar

from temporalio.api.workflowservice.v1 import (
    CreateScheduleRequest,
    StartWorkflowExecutionRequest,
    UpdateScheduleRequest,
)

Request = TypeVar("Request")


def without(request: Request, names: Collection[str]) -> Request:
    """Return a request that does not mark anything with some attributes."""
    if not names:
        return request
    kept: Any = type(request)()
    kept.CopyFrom(request)
    marked = []
    match kept:
        case StartWorkflowExecutionRequest():
            marked = [kept.search_attributes]
        case CreateScheduleRequest() | UpdateScheduleRequest():
            start = kept.schedule.action.start_workflow
            marked = [kept.search_attributes, start.search_attributes]
    for attributes in marked:
        for name in names:
            attributes.indexed_fields.pop(name, None)
    result: Request = kept
    return result
