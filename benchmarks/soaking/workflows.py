"""The module's workflow."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from contextcore import ContextUnit
from soaking.messages import SoakRequest, Step, soak_step

STEPS = 2


@workflow.defn(name="soak")
class SoakWorkflow:
    """A unit in, two activities one after another, a unit out."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Tell how many attempts the activities took."""
        request = SoakRequest.model_validate(unit.payload)
        attempts = 0
        for number in range(STEPS):
            report = await workflow.execute_activity(
                soak_step,
                Step(number=request.number, step=number, seed=request.seed, one_in=request.one_in),
                start_to_close_timeout=timedelta(seconds=30),
                retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
                summary=f"step {number + 1} of {STEPS}",
            )
            attempts += report.attempt
        return unit.child({"attempts": attempts}, provenance="worker:soak")
