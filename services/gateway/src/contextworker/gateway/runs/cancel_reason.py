"""Why a run was told to stop."""

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest

from contextworker.gateway.temporal import Temporal

_EVENTS_READ = 200  # what the run did between hearing of it and its end lies before it


async def cancel_reason(temporal: Temporal, run: WorkflowExecution) -> str:
    """Return what a run was told when it was cancelled; empty where nobody said."""
    page = await temporal.call(
        temporal.service.get_workflow_execution_history_reverse,
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=temporal.namespace, execution=run, maximum_page_size=_EVENTS_READ
        ),
    )
    for event in page.history.events:
        if event.WhichOneof("attributes") == (
            "workflow_execution_cancel_requested_event_attributes"
        ):
            return event.workflow_execution_cancel_requested_event_attributes.cause
    return ""
