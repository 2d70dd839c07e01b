"""What the plain workflow is asked, and its activity."""

from dataclasses import dataclass

from temporalio import activity

QUEUE = "plain-tasks"


@dataclass(frozen=True)
class Request:
    """Nothing to do, with a number."""

    workflow_type: str
    tenant_id: str
    number: int


@activity.defn(name="noop")
async def noop(request: Request) -> Request:
    """Do nothing."""
    return request
