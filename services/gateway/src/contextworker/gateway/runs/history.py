"""Reads single events of a run's history."""

from collections.abc import Sequence
from datetime import timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import HistoryEventFilterType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryRequest,
    GetWorkflowExecutionHistoryReverseRequest,
)

from contextworker.gateway.temporal import Temporal

# Longer than Temporal holds a long poll (20 s), so that it is Temporal who ends it.
_LONG_POLL = timedelta(seconds=40)


async def close_event(temporal: Temporal, run: WorkflowExecution) -> HistoryEvent:
    """Return the last event of a closed run."""
    answer = await temporal.call(
        temporal.service.get_workflow_execution_history,
        GetWorkflowExecutionHistoryRequest(
            namespace=temporal.namespace,
            execution=run,
            history_event_filter_type=HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
        ),
    )
    return answer.history.events[-1]


async def awaited_close_event(temporal: Temporal, run: WorkflowExecution) -> HistoryEvent:
    """Return the last event of a run once it has closed, of which Temporal tells at once.

    Raises:
        RPCError: Temporal does not answer, or not as it should.
    """
    request = GetWorkflowExecutionHistoryRequest(
        namespace=temporal.namespace,
        execution=run,
        wait_new_event=True,
        history_event_filter_type=HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
    )
    poll = temporal.service.get_workflow_execution_history
    while not (answer := await poll(request, timeout=_LONG_POLL)).history.events:
        request.next_page_token = answer.next_page_token
    return answer.history.events[-1]


async def latest_events(
    temporal: Temporal, run: WorkflowExecution, *, at_most: int
) -> Sequence[HistoryEvent]:
    """Return some events of a run, the latest first."""
    answer = await temporal.call(
        temporal.service.get_workflow_execution_history_reverse,
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=temporal.namespace, execution=run, maximum_page_size=at_most
        ),
    )
    return answer.history.events
