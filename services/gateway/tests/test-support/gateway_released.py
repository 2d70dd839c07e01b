"""A module of which more than one version is released."""

from temporalio import workflow

from contextcore import ContextUnit
from contextworker.core.registry import ModuleConfig


@workflow.defn(name="released")
class Released:
    """Answers at once."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return unit.child({}, provenance="worker:released")


released = ModuleConfig(name="released", workflows=[Released], activities=[])
