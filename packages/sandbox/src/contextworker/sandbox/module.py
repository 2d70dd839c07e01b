"""The sandbox as a module: its route, and how its activities are opened."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contextworker.core.registry import Activity, ModuleConfig, Route
from contextworker.core.settings import RuntimeSettings
from contextworker.sandbox.messages import PLATFORM_TOOLS, ExecuteRequest
from contextworker.sandbox.settings import SandboxSettings
from contextworker.sandbox.workflows import ExecuteCodeWorkflow


@asynccontextmanager
async def open_activities() -> AsyncIterator[Sequence[Activity]]:
    """Open the interpreters, the object store, the gateway and the tools of installed packages.

    Raises:
        ConfigurationError: The store's URL, the file of limits, the gateway's address or a
            package's tools cannot be.
    """
    # Not at the top: whoever only wants the route need not load the interpreter.
    from contextworker.core.objects import ObjectStore  # noqa: PLC0415
    from contextworker.sandbox.activities.calls import open_calls  # noqa: PLC0415
    from contextworker.sandbox.activities.turns import Turns  # noqa: PLC0415
    from contextworker.sandbox.engine.interpreter import Interpreter  # noqa: PLC0415
    from contextworker.sandbox.limits import read_limits  # noqa: PLC0415

    settings = SandboxSettings()
    limits = read_limits(settings.limits)
    objects = ObjectStore.from_url(RuntimeSettings().store_url)
    async with (
        open_calls() as (calls, offered),
        Interpreter.open(settings, tools=PLATFORM_TOOLS | offered) as interpreter,
    ):
        turns = Turns(interpreter, objects, limits)
        yield [
            turns.start_turn,
            turns.resume_turn,
            turns.discard_snapshots,
            calls.start_task,
            calls.task_status,
            calls.call_tool,
        ]


module = ModuleConfig(
    name="sandbox",
    workflows=[
        Route(
            workflow=ExecuteCodeWorkflow,
            payload=ExecuteRequest,
            summary="Run code for {tenant_id}",
            description="Run code that an agent wrote, in a sandbox.",
            needs_caller=True,
        )
    ],
    activities=open_activities,
    max_concurrent_activities=200,  # they mostly wait, for a free interpreter or for the gateway
)
