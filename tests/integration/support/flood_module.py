"""A module whose runs take one short activity each: `python flood_module.py` is its worker."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

from contextcore import ContextUnit
from contextworker.core.messages import RoutePayload
from contextworker.core.process import run_module_worker
from contextworker.core.registry import ModuleConfig, Route


class FloodRequest(RoutePayload):
    """One of many."""

    number: int = 0


@activity.defn(name="flood_work")
async def work() -> str:
    """Take a moment; returns the fairness key that the activity was scheduled with."""
    await asyncio.sleep(0.01)
    return activity.info().priority.fairness_key or ""


async def _work() -> str:
    return await workflow.execute_activity(work, start_to_close_timeout=timedelta(seconds=30))


@workflow.defn(name="flood")
class FloodWorkflow:
    """Do one unit's work."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return unit.child({"activity": await _work()}, provenance="worker:flood")


@workflow.defn(name="flood_named")
class NamedWorkflow:
    """Do one unit's work, under an id that the payload names."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return unit.child({"activity": await _work()}, provenance="worker:flood")


@workflow.defn(name="flood_child")
class ChildWorkflow:
    """A part of a family's work."""

    @workflow.run
    async def run(self) -> dict[str, str]:
        """Run."""
        return {"child": workflow.info().priority.fairness_key or "", "activity": await _work()}


@workflow.defn(name="flood_family")
class FamilyWorkflow:
    """Tell which fairness keys a run and what it begins have."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        child = await workflow.execute_child_workflow(ChildWorkflow.run)
        keys = {
            "run": workflow.info().priority.fairness_key or "",
            "activity": await _work(),
            "child": child["child"],
            "activity of the child": child["activity"],
        }
        return unit.child(keys, provenance="worker:flood")


flood = ModuleConfig(
    name="flood",
    workflows=[
        Route(workflow=FloodWorkflow, payload=FloodRequest),
        Route(
            workflow=NamedWorkflow,
            payload=FloodRequest,
            workflow_id="flood_named-{tenant_id}-{number}",
        ),
        FamilyWorkflow,
        ChildWorkflow,
    ],
    activities=[work],
)


if __name__ == "__main__":
    run_module_worker(flood)
