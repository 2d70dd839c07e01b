"""A module whose activities take longer than a worker takes to be told to stop."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

from contextcore import ContextUnit
from contextworker.core.messages import RoutePayload
from contextworker.core.registry import ModuleConfig, Route

SECONDS = 0.3
STEPS = 2


class SteadyRequest(RoutePayload):
    """One of many."""

    number: int


@activity.defn(name="steady_step")
async def step() -> int:
    """Take a while; returns which attempt it was."""
    await asyncio.sleep(SECONDS)
    return activity.info().attempt


@workflow.defn(name="steady")
class SteadyWorkflow:
    """Takes several steps, so that a run outlives the worker that began it."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Tell how many attempts they took."""
        attempts = [
            await workflow.execute_activity(step, start_to_close_timeout=timedelta(seconds=30))
            for _ in range(STEPS)
        ]
        return unit.child({"attempts": attempts}, provenance="worker:steady")


steady = ModuleConfig(
    name="steady",
    workflows=[Route(workflow=SteadyWorkflow, payload=SteadyRequest)],
    activities=[step],
    package="contextworker-core",
)
