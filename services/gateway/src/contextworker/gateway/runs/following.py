"""Reads what Temporal knows of a run, and of the run that it has become."""

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
)
from temporalio.service import RPCError, RPCStatusCode

from contextworker.gateway.errors import RunNotFoundError
from contextworker.gateway.runs.history import close_event
from contextworker.gateway.temporal import Temporal

_CONTINUED = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW


async def describe(
    temporal: Temporal, workflow_id: str, run_id: str = ""
) -> DescribeWorkflowExecutionResponse:
    """Describe a run; without a run id, the latest.

    Raises:
        RunNotFoundError: Temporal knows no such run.
    """
    try:
        return await temporal.call(
            temporal.service.describe_workflow_execution,
            DescribeWorkflowExecutionRequest(
                namespace=temporal.namespace,
                execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            ),
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise RunNotFoundError(workflow_id, run_id) from error
        raise


async def followed(
    temporal: Temporal, described: DescribeWorkflowExecutionResponse
) -> DescribeWorkflowExecutionResponse:
    """Describe what a run has become: where it continued as new, the latest of its chain.

    Raises:
        RunNotFoundError: Temporal no longer keeps what it became.
    """
    info = described.workflow_execution_info
    if info.status != _CONTINUED:
        return described
    workflow_id = info.execution.workflow_id
    latest = await describe(temporal, workflow_id)
    if latest.workflow_execution_info.first_run_id == info.first_run_id:
        return latest
    # Another unit's run took the id since: walk along this one's own chain.
    while info.status == _CONTINUED:
        event = await close_event(temporal, info.execution)
        successor = event.workflow_execution_continued_as_new_event_attributes
        described = await describe(temporal, workflow_id, successor.new_execution_run_id)
        info = described.workflow_execution_info
    return described
