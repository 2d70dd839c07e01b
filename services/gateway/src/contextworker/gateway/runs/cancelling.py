"""Asks runs to stop."""

import uuid
from dataclasses import dataclass, replace

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import RequestCancelWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.messages import Message
from contextworker.gateway.errors import TemporalUnavailableError
from contextworker.gateway.runs.access import AskedRun, find_own
from contextworker.gateway.runs.state.status import CLOSED, Status
from contextworker.gateway.temporal import Temporal

_REQUESTS = uuid.UUID("b3f5a7c1-2d0e-5c4a-8f6b-71c9d4e8a250")
_LOOKS = 3

CANCELLING = "cancelling"
"""It was asked to stop, and has yet to end."""


class CancelReply(Message):
    """Which run was asked to stop; `status` is `cancelling`, or how the run had ended before."""

    workflow_id: str
    run_id: str
    status: str


@dataclass(frozen=True)
class Canceller:
    """Cancels runs of the caller's."""

    temporal: Temporal

    async def cancel(self, asked: AskedRun, *, reason: str, unit_id: str) -> CancelReply:
        """Ask a run to stop; one that continued as new, by its latest.

        The run is told, may clean up, and decides how it ends. A run that has ended already is left
        as it is. Asking again changes nothing.

        Raises:
            TenantDeniedError: The caller names a tenant that is not its own.
            RunNotFoundError: There is no such run, or it is another tenant's.
            ScopeMissingError: Its unit asks for scopes that the caller does not hold.
            TemporalUnavailableError: Temporal does not answer.
        """
        for _ in range(_LOOKS):
            info = (await find_own(self.temporal, asked, to="write")).workflow_execution_info
            if info.status in CLOSED or await self._ask(info, reason, unit_id):
                return _reply(info)
            # It ended while it was being asked: what became of this one, not of a later one?
            asked = replace(asked, run_id=info.execution.run_id)
        raise TemporalUnavailableError("the run changes faster than it can be cancelled; try again")

    async def _ask(self, info: WorkflowExecutionInfo, reason: str, unit_id: str) -> bool:
        request = RequestCancelWorkflowExecutionRequest(
            namespace=self.temporal.namespace,
            # By its chain, not by its run: it may continue as new at this very moment.
            workflow_execution=WorkflowExecution(workflow_id=info.execution.workflow_id),
            first_execution_run_id=info.first_run_id,
            identity=self.temporal.identity,
            request_id=str(uuid.uuid5(_REQUESTS, unit_id.lower())),
            reason=reason,
        )
        try:
            await self.temporal.call(
                self.temporal.service.request_cancel_workflow_execution, request
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True


def _reply(info: WorkflowExecutionInfo) -> CancelReply:
    ended: Status | None = CLOSED.get(info.status)
    return CancelReply(
        workflow_id=info.execution.workflow_id,
        run_id=info.execution.run_id,
        status=ended or CANCELLING,
    )
