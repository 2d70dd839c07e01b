"""A module with every part of a real one, for the tests of the core."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from contextcore import ContextUnit
from contextworker.core.errors import PermanentError
from contextworker.core.messages import Progress, RoutePayload
from contextworker.core.process import run_module_worker
from contextworker.core.registry import Activity, ModuleConfig, Route


class GreetRequest(RoutePayload):
    """Whom to greet."""

    name: str


class Greetings:
    """Activities that need a client: here, a greeting opened with the worker."""

    def __init__(self, word: str) -> None:
        self._word = word

    @activity.defn
    async def greet(self, unit: ContextUnit) -> str:
        """Greet somebody, unless they are called nobody.

        The slow take a while, and the last are still being greeted when the worker stops.
        """
        name = unit.payload["name"]
        if name == "nobody":
            raise PermanentError("nobody cannot be greeted")
        if name.startswith("slow"):
            activity.heartbeat(Progress(stage="greeting"))
            await asyncio.sleep(float(name.removeprefix("slow-")))
        if name == "the last":
            await activity.wait_for_worker_shutdown()
            await asyncio.sleep(0.5)
        return f"{self._word}, {name}"


@workflow.defn(name="greet")
class GreetWorkflow:
    """Greets once."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Greet the one the unit names, by way of a unit that the workflow itself makes."""
        request = GreetRequest.model_validate(unit.payload)
        step = unit.child({"name": request.name}, provenance="worker:greeter:step")
        greeting = await workflow.execute_activity_method(
            Greetings.greet,
            step,
            start_to_close_timeout=timedelta(minutes=2),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=50)),
        )
        return step.child({"greeting": greeting}, provenance="worker:greeter")


@asynccontextmanager
async def open_greetings() -> AsyncIterator[Sequence[Activity]]:
    """Open the client, and say on standard error when it is closed again."""
    yield [Greetings("hello").greet]
    sys.stderr.write("greetings closed\n")


module = ModuleConfig(
    name="greeter",
    workflows=[
        Route(
            workflow=GreetWorkflow,
            payload=GreetRequest,
            workflow_id="greet-{tenant_id}-{name}",
            description="Greets somebody.",
        )
    ],
    activities=open_greetings,
)

if __name__ == "__main__":
    run_module_worker(module)
