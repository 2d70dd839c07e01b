"""What the module's workflow is asked, and its activity."""

from temporalio import activity

from contextcore import ContextUnit
from contextworker.core.messages import RoutePayload


class NoopRequest(RoutePayload):
    """Nothing to do, with a number."""

    number: int


@activity.defn(name="noop")
async def noop(unit: ContextUnit) -> ContextUnit:
    """Do nothing."""
    return unit.child(unit.payload, provenance="worker:noop:step")
