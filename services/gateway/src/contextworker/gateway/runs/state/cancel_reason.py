"""Why a run was told to stop."""

from temporalio.api.common.v1 import WorkflowExecution

from contextworker.gateway.runs.history import latest_events
from contextworker.gateway.temporal import Temporal

_EVENTS_READ = 200  # what the run did between hearing of it and its end lies before it


async def cancel_reason(temporal: Temporal, run: WorkflowExecution) -> str:
    """Return what a run was told when it was cancelled; empty where nobody said."""
    for event in await latest_events(temporal, run, at_most=_EVENTS_READ):
        if event.HasField("workflow_execution_cancel_requested_event_attributes"):
            return event.workflow_execution_cancel_requested_event_attributes.cause
    return ""
