"""The smallest workflow there is."""

from temporalio import workflow

from contextcore import ContextUnit


@workflow.defn(name="echo")
class EchoWorkflow:
    """Answers with what it was asked."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Echo."""
        return unit.child(unit.payload, provenance="worker:echo")
