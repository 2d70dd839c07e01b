"""What was begun in vain, read off the histories of runs."""

from collections.abc import Collection, Iterator

from temporalio.api.enums.v1 import EventType, TimeoutType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

# Of a worker that knew the run, and has stopped: another one takes the task, and nothing was begun.
_HANDED_BACK = TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START
# A unit joined the run in the moment in which it would have ended; Temporal then asks once more.
_NEWS = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
# The SDK's word for a turn of workflow code that took two seconds: a busy machine gave it no
# processor, whoever was restarted.
_NO_TURN = "[TMPRL1101]"


async def in_vain(client: Client, query: str, *, stopped: Collection[int]) -> list[str]:
    """Return a line for each attempt of a run's that did not come to its end.

    Args:
        client: Asks for the histories.
        query: Which runs.
        stopped: Ids of processes that were told to stop. What Temporal hands such a worker in that
            very moment, the SDK drops where it is a workflow's task, of which nothing was done.
    """
    found = []
    async for run in client.list_workflows(query):
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        found += [f"{run.id}: {what}" for what in _in_vain(history, stopped)]
    return found


def _in_vain(history: WorkflowHistory, stopped: Collection[int]) -> Iterator[str]:
    names = {
        event.event_id: event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    }
    for event in history.events:
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                began = event.activity_task_started_event_attributes
                if began.attempt > 1:
                    name, why = names[began.scheduled_event_id], began.last_failure.message
                    yield f"{name} took {began.attempt} attempts: {why}"
            case EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
                late = event.activity_task_timed_out_event_attributes
                yield f"{names[late.scheduled_event_id]} timed out"
            case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                failed = event.activity_task_failed_event_attributes
                yield f"{names[failed.scheduled_event_id]} failed: {failed.failure.message}"
            case _:
                yield from _of_workflow(event, history, stopped)


def _of_workflow(
    event: HistoryEvent, history: WorkflowHistory, stopped: Collection[int]
) -> Iterator[str]:
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            failed = event.workflow_task_failed_event_attributes
            if failed.cause != _NEWS and _NO_TURN not in failed.failure.message:
                yield f"a workflow task failed: {failed.failure.message}"
        case EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
            late = event.workflow_task_timed_out_event_attributes
            if late.timeout_type != _HANDED_BACK:
                began = history.events[late.started_event_id - 1]
                worker = began.workflow_task_started_event_attributes.identity
                if int(worker.rpartition(":")[2]) not in stopped:
                    yield f"a workflow task timed out, which {worker} had"
        case EventType.EVENT_TYPE_MARKER_RECORDED:
            marker = event.marker_recorded_event_attributes
            if marker.HasField("failure"):
                yield f"{marker.marker_name} failed: {marker.failure.message}"
