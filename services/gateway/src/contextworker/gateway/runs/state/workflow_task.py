"""What a run's own code failed with, while Temporal tries its workflow task again."""

from temporalio.api.failure.v1 import Failure
from temporalio.api.workflow.v1 import PendingWorkflowTaskInfo, WorkflowExecutionInfo

from contextworker.gateway.runs.history import latest_events
from contextworker.gateway.runs.state.failures import TaskError, decoded, links
from contextworker.gateway.temporal import Temporal

_EVENTS_READ = 100  # signals that came since may lie before it


async def workflow_task_error(
    temporal: Temporal, info: WorkflowExecutionInfo, task: PendingWorkflowTaskInfo
) -> TaskError | None:
    """Describe why a workflow task is tried again; None where no worker has said why.

    Temporal records the first failure of a row alone; later attempts leave no event.
    """
    if task.attempt <= 1:
        return None
    failure = await _last_failure(temporal, info)
    if failure is None:
        return None
    converter = temporal.converter(info.execution.workflow_id)
    first, *rest = links(await decoded(converter, failure))
    return TaskError(
        type=first.type,
        message=first.message,
        will_retry=True,
        attempt=task.attempt,
        causes=tuple(rest),
    )


async def _last_failure(temporal: Temporal, info: WorkflowExecutionInfo) -> Failure | None:
    for event in await latest_events(temporal, info.execution, at_most=_EVENTS_READ):
        match event.WhichOneof("attributes"):
            case "workflow_task_failed_event_attributes":
                attributes = event.workflow_task_failed_event_attributes
                return attributes.failure if attributes.HasField("failure") else None
            case "workflow_task_timed_out_event_attributes" | (
                "workflow_task_completed_event_attributes"
            ):
                return None
    return None
