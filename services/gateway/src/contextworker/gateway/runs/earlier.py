"""Finds the run that a unit started or joined before, whatever has run under its id since.

Temporal keeps with each run the ids of the requests that started it or joined it. Of the latest run
under an id it minds them by itself; earlier runs are looked up by visibility, which is told of a
run some moments after the run began.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionResponse,
    ListWorkflowExecutionsRequest,
)

from contextworker.gateway.errors import RunNotFoundError
from contextworker.gateway.runs.following import describe
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.queries import quoted, time

_CLOCKS_APART = timedelta(minutes=5)
# After a unit was made. Looked through by themselves, or of an id with hundreds of runs since, the
# newest would be looked through in vain.
_SENT_WITHIN = (timedelta(minutes=1), timedelta(minutes=15))
_MOST_RUNS = 100
_AT_ONCE = 8


@dataclass(frozen=True)
class Found:
    """The run that a request became part of."""

    run_id: str
    started: bool
    """Whether the request started it; else it joined."""
    is_earlier: bool = False
    """Whether the request had become part of it before."""


async def find(
    temporal: Temporal, latest: WorkflowExecutionInfo, request_id: str, *, created_at: datetime
) -> Found | None:
    """Look for a request among the runs before the latest one of a workflow id.

    First among those that began when its unit was made, then among the newest.

    Args:
        temporal: Temporal.
        latest: The latest run: it does not hold the request.
        request_id: The request.
        created_at: When its unit was made: no run that had closed well before can hold it. A time
            to come is taken for now.
    """
    workflow_id = latest.execution.workflow_id
    seen = {latest.execution.run_id}
    # Where the latest run continues others, its first one is known without visibility.
    ids = [latest.first_run_id]
    for began_by in (*_likely(created_at), None):
        ids += await _listed(temporal, workflow_id, created_at, began_by)
        run_ids = [run_id for run_id in dict.fromkeys(ids) if run_id not in seen]
        for start in range(0, len(run_ids), _AT_ONCE):
            answers = await asyncio.gather(
                *(
                    _held(temporal, workflow_id, run_id, request_id)
                    for run_id in run_ids[start : start + _AT_ONCE]
                )
            )
            for found in answers:
                if found is not None:
                    return found
        seen.update(run_ids)
        ids = []
    return None


def _likely(created_at: datetime) -> list[datetime]:
    """Return by when a unit's run most likely began: most are sent as soon as they are made."""
    now = datetime.now(UTC)
    return [created_at + after for after in _SENT_WITHIN if created_at < now - after]


async def _listed(
    temporal: Temporal, workflow_id: str, created_at: datetime, began_by: datetime | None
) -> list[str]:
    """List the newest runs of an id that may hold a unit made then, as far as there is room."""
    since = min(created_at, datetime.now(UTC)) - _CLOCKS_APART
    # Of a run that has just closed, visibility may still say that it runs.
    query = (
        f"WorkflowId = {quoted(workflow_id)} AND "
        f"(ExecutionStatus = 'Running' OR CloseTime >= {time(since)})"
    )
    if began_by is not None:
        query += f" AND StartTime <= {time(began_by)}"
    listed = await temporal.call(
        temporal.service.list_workflow_executions,
        ListWorkflowExecutionsRequest(
            namespace=temporal.namespace, query=query, page_size=_MOST_RUNS
        ),
    )
    return [info.execution.run_id for info in listed.executions]


async def _held(temporal: Temporal, workflow_id: str, run_id: str, request_id: str) -> Found | None:
    try:
        described = await describe(temporal, workflow_id, run_id)
    except RunNotFoundError:  # Temporal forgot it since it was listed
        return None
    return _found(described, request_id)


def _found(described: DescribeWorkflowExecutionResponse, request_id: str) -> Found | None:
    held = described.workflow_extended_info.request_id_infos
    if request_id not in held:
        return None
    began = held[request_id].event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
    return Found(described.workflow_execution_info.execution.run_id, began, is_earlier=True)
