"""Lists runs, open ones first, a page at a time."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.errors import UnreadableError
from contextworker.core.messages import Message
from contextworker.core.tenancy import TENANT_ATTRIBUTE
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.ownership.tenants import tenant_of
from contextworker.gateway.runs.access import missing_scopes
from contextworker.gateway.runs.state.status import CLOSED, Status
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.times import iso
from contextworker.gateway.visibility.page_tokens import broken_token, read_token, write_token
from contextworker.gateway.visibility.queries import one_of, quoted, time
from contextworker.gateway.visibility.run_attributes import RunAttributes

# The runs before it in its chain are of the same task.
_log = logging.getLogger(__name__)
_NOT_CONTINUED = "ExecutionStatus != 'ContinuedAsNew'"
_NAMES = {
    Status.RUNNING: "Running",
    Status.COMPLETED: "Completed",
    Status.FAILED: "Failed",
    Status.CANCELLED: "Canceled",
    Status.TERMINATED: "Terminated",
    Status.TIMED_OUT: "TimedOut",
}
LISTED_STATUSES = tuple(_NAMES)
"""What can be asked for: whether an open run is queued, only its own status tells."""


class ListedTask(Message):
    """A run in a list; what does not apply is None, and left out of the reply."""

    workflow_id: str
    run_id: str
    workflow_type: str
    status: Status
    task_queue: str
    started_at: str | None
    closed_at: str | None
    tenant_id: str | None


@dataclass(frozen=True)
class TaskFilter:
    """Which runs to list; None: any."""

    workflow_type: str | None = None
    status: Status | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None
    tenant_id: str | None = None


@dataclass(frozen=True)
class TaskLister:
    """Lists the caller's runs as Temporal's visibility knows them, which is some moments late."""

    temporal: Temporal
    attributes: RunAttributes

    async def list(self, wanted: TaskFilter, *, page_size: int, page_token: str) -> dict[str, Any]:
        """Return the payload with one page of runs: open ones first, then by when they ended.

        Runs that the caller may not read are left out, so that a page may hold fewer than asked
        for; there are more as long as there is a token.

        Raises:
            TenantDeniedError: The filter names a tenant that is not the caller's.
            InvalidRequestError: The token is none, or of another filter or tenant.
            TemporalUnavailableError: Temporal does not answer.
        """
        tenants = _tenants(wanted)
        if tenants is not None and not tenants:
            return {"tasks": []}
        query = " AND ".join(_conditions(wanted, tenants))
        request = ListWorkflowExecutionsRequest(
            namespace=self.temporal.namespace,
            query=query,
            page_size=page_size,
            next_page_token=read_token(page_token, query),
        )
        try:
            page = await self.attributes.call(
                self.temporal.service.list_workflow_executions, request
            )
        except RPCError as error:
            if page_token and error.status is RPCStatusCode.INVALID_ARGUMENT:
                raise broken_token() from error
            raise
        tasks = [
            _listed(info).model_dump(mode="json", exclude_none=True)
            for info in page.executions
            if await self._is_readable(info, tenants)
        ]
        if not page.next_page_token:
            return {"tasks": tasks}
        return {"tasks": tasks, "next_page_token": write_token(page.next_page_token, query)}

    async def _is_readable(
        self, info: WorkflowExecutionInfo, tenants: frozenset[str] | None
    ) -> bool:
        # Asked for already; but an operator may have made the attribute one of another kind.
        if tenants is not None and tenant_of(info.search_attributes) not in tenants:
            return False
        try:
            return not await missing_scopes(self.temporal, info, to="read")
        except UnreadableError as error:
            _log.warning("the run %s is left out: %s", info.execution.workflow_id, error)
            return False


def _tenants(wanted: TaskFilter) -> frozenset[str] | None:
    if wanted.tenant_id is None:
        return current_caller().tenants
    return frozenset({current_caller().tenant_for({"tenant_id": wanted.tenant_id})})


def _conditions(wanted: TaskFilter, tenants: frozenset[str] | None) -> Iterator[str]:
    if tenants is not None:
        yield one_of(TENANT_ATTRIBUTE.name, tenants)
    if wanted.workflow_type is not None:
        yield f"WorkflowType = {quoted(wanted.workflow_type)}"
    if wanted.status is None:
        yield _NOT_CONTINUED
    else:
        yield f"ExecutionStatus = {quoted(_NAMES[wanted.status])}"
    if wanted.started_after is not None:
        yield f"StartTime >= {time(wanted.started_after)}"
    if wanted.started_before is not None:
        yield f"StartTime < {time(wanted.started_before)}"


def _listed(info: WorkflowExecutionInfo) -> ListedTask:
    is_open = info.status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
    return ListedTask(
        workflow_id=info.execution.workflow_id,
        run_id=info.execution.run_id,
        workflow_type=info.type.name,
        status=Status.RUNNING if is_open else CLOSED[info.status],
        task_queue=info.task_queue,
        started_at=iso(info.start_time),
        closed_at=iso(info.close_time),
        tenant_id=tenant_of(info.search_attributes),
    )
