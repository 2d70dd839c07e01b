"""Which runs are the caller's: a foreign one is answered like one that never was."""

from dataclasses import dataclass
from typing import Literal

from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from contextworker.gateway.errors import RunNotFoundError, ScopeMissingError
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.ownership.scopes import scopes_of
from contextworker.gateway.ownership.tenants import tenant_of
from contextworker.gateway.runs.following import describe, followed
from contextworker.gateway.temporal import Temporal


@dataclass(frozen=True)
class AskedRun:
    """The run that a caller names."""

    workflow_id: str
    run_id: str = ""
    tenant_id: str | None = None


async def find_own(
    temporal: Temporal, asked: AskedRun, *, to: Literal["read", "write"]
) -> DescribeWorkflowExecutionResponse:
    """Describe a run of the caller's; one that continued as new, by its latest.

    Raises:
        TenantDeniedError: The caller names a tenant that is not its own.
        RunNotFoundError: There is no such run, or it is another tenant's.
        ScopeMissingError: Its unit asks for scopes that the caller does not hold.
    """
    caller = current_caller()
    if asked.tenant_id is not None:
        caller.tenant_for({"tenant_id": asked.tenant_id})
    described = await describe(temporal, asked.workflow_id, asked.run_id)
    info = described.workflow_execution_info
    owner = tenant_of(info.search_attributes)
    if not caller.sees(owner) or asked.tenant_id not in (None, owner):
        raise RunNotFoundError(asked.workflow_id, asked.run_id)
    if missing := await missing_scopes(temporal, info, to=to):
        raise ScopeMissingError(missing)
    return await followed(temporal, described)


async def missing_scopes(
    temporal: Temporal, info: WorkflowExecutionInfo, *, to: Literal["read", "write"]
) -> list[str]:
    """Return the scopes of a run that the caller does not hold."""
    scopes = await scopes_of(temporal.converter(info.execution.workflow_id), info.memo)
    return current_caller().lacks(scopes.read if to == "read" else scopes.write)
