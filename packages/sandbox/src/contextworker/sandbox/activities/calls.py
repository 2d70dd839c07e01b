"""The activities that do what code calls for."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from temporalio import activity

from contextworker.core.client import AsyncWorkerClient
from contextworker.core.heartbeats import beating
from contextworker.sandbox.messages import (
    Answer,
    TaskQuestion,
    TaskStart,
    ToolActivities,
    ToolRequest,
)
from contextworker.sandbox.tools.answers import raised
from contextworker.sandbox.tools.loading import open_tools
from contextworker.sandbox.tools.offered import OfferedTool
from contextworker.sandbox.tools.platform import Platform

_PATIENCE_S: Final = 10.0
"""Of one attempt: Temporal makes the next, and until it has failed, nobody sees what is wrong."""


class Calls(ToolActivities):
    """Calls of the platform and of packages' tools, in the name of whoever runs the code."""

    def __init__(self, client: AsyncWorkerClient, tools: Mapping[str, OfferedTool]) -> None:
        self._platform = Platform(client)
        self._tools = tools

    @activity.defn(name="start_task")
    async def start_task(self, start: TaskStart) -> Answer:
        """Start a workflow.

        Safe to repeat: the unit is the same at every attempt, and to the gateway the same unit is
        the same run.
        """
        async with beating():
            return await self._platform.start(start)

    @activity.defn(name="task_status")
    async def task_status(self, question: TaskQuestion) -> Answer:
        """Tell how a task stands. Safe to repeat: it only reads."""
        async with beating():
            return await self._platform.status(question)

    @activity.defn(name="call_tool")
    async def call_tool(self, request: ToolRequest) -> Answer:
        """Call a function that a package offers.

        Safe to repeat where the tool is: it is given the same key at every attempt.
        """
        tool = self._tools.get(request.call.tool)
        if tool is None:
            return raised(NameError, f"name {request.call.tool!r} is not defined")
        async with beating():
            return await tool.call(request)


@asynccontextmanager
async def open_calls() -> AsyncIterator[tuple[Calls, frozenset[str]]]:
    """Open the calls, and tell the names of the tools that packages offer; closed on leaving.

    Raises:
        ConfigurationError: A package's tools cannot be offered, or WORKER_ADDRESS, WORKER_TOKEN or
            WORKER_TLS_… cannot be.
    """
    async with (
        AsyncWorkerClient.from_environment(service="sandbox", timeout=_PATIENCE_S) as client,
        open_tools() as tools,
    ):
        yield Calls(client, tools), frozenset(tools)
