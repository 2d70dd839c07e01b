"""The module's workflow."""

from datetime import timedelta

from temporalio import workflow

from contextcore import ContextUnit
from noop.messages import NoopRequest, noop


@workflow.defn(name="noop")
class NoopWorkflow:
    """A unit in, one activity, a unit out."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Do nothing, as a module does it."""
        request = NoopRequest.model_validate(unit.payload)
        step = unit.child(request, provenance="worker:noop")
        done = await workflow.execute_activity(
            noop, step, start_to_close_timeout=timedelta(seconds=30)
        )
        return unit.child(done.payload, provenance="worker:noop")
