"""A workflow that hands its unit to a second run of itself."""

from temporalio import workflow

from contextcore import ContextUnit


@workflow.defn(name="relay")
class RelayWorkflow:
    """Continues as new once, then answers."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Pass the unit on, or answer it."""
        if workflow.info().continued_run_id is None:
            workflow.continue_as_new(unit.child(unit.payload, provenance="worker:relay:next"))
        return unit.child(unit.payload, provenance="worker:relay")
