"""Run a program turn by turn, and have done what it asks for in between."""

from temporalio import workflow

from contextcore import ContextUnit
from contextworker.sandbox.messages import ExecuteRequest


@workflow.defn(name="execute_code")
class ExecuteCodeWorkflow:
    """Turns and calls, one after another."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run the unit's program; the answer's payload is an Execution."""
        ExecuteRequest.model_validate(unit.payload)
        raise NotImplementedError
