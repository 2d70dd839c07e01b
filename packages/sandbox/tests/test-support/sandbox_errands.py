"""A small module whose workflow code in the sandbox starts and waits for."""

import asyncio
from datetime import timedelta

from pydantic import Field
from temporalio import workflow

from contextcore import ContextUnit
from contextworker.core.errors import PermanentError
from contextworker.core.messages import RoutePayload
from contextworker.core.registry import ModuleConfig, Route


class Errand(RoutePayload):
    """Something to be done."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    seconds: float = 0
    rounds: int = 1
    fails: bool = False
    brings: int = 0


@workflow.defn(name="errand")
class ErrandWorkflow:
    """Takes its time, and says who was sent."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Wait, in as many runs as asked for; fail or answer."""
        errand = Errand.model_validate(unit.payload)
        await workflow.sleep(timedelta(seconds=errand.seconds))
        if errand.rounds > 1:
            rest = {**unit.payload, "rounds": errand.rounds - 1}
            workflow.continue_as_new(unit.model_copy(update={"payload": rest}))
        if errand.fails:
            raise PermanentError(f"{errand.name} came back with empty hands")
        answer = {"name": errand.name, "tenant": errand.tenant_id, "bag": "x" * errand.brings}
        return unit.child(answer, provenance="worker:errands")


@workflow.defn(name="parcel")
class ParcelWorkflow:
    """Brings something; each unit that asks for one gets one of its own."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Take the seconds asked for."""
        errand = Errand.model_validate(unit.payload)
        await workflow.sleep(timedelta(seconds=errand.seconds))
        return unit.child({"name": errand.name}, provenance="worker:errands")


@workflow.defn(name="endless")
class EndlessWorkflow:
    """Ends when it is cancelled."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Wait."""
        await asyncio.Event().wait()
        return unit


errands = ModuleConfig(
    name="errands",
    workflows=[
        Route(workflow=ErrandWorkflow, payload=Errand, workflow_id="errand-{tenant_id}-{name}"),
        Route(workflow=ParcelWorkflow, payload=Errand),
        Route(workflow=EndlessWorkflow),
    ],
    activities=(),
)
