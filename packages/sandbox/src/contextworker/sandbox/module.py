"""The sandbox as a module: its route, and how its activities are opened."""

from contextworker.core.registry import ModuleConfig, Route
from contextworker.sandbox.messages import ExecuteRequest
from contextworker.sandbox.workflows import ExecuteCodeWorkflow

module = ModuleConfig(
    name="sandbox",
    workflows=[
        Route(
            workflow=ExecuteCodeWorkflow,
            payload=ExecuteRequest,
            description="Run code that an agent wrote, in a sandbox.",
            needs_caller=True,
        )
    ],
    activities=(),
)
