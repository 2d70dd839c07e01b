"""Programs as callers run them: by the gateway, and looked at in Temporal and in the store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import urlsplit

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Replayer

from contextcore import ContextUnit
from contextworker.core.client import AsyncTask, AsyncWorkerClient
from contextworker.core.plugin import ContextPlugin
from contextworker.core.worker import shared_modules
from contextworker.sandbox.module import module

TIMEOUT_S = 60


@dataclass
class Programs:
    """Starts them, and looks what came of them."""

    gateway: AsyncWorkerClient
    temporal: Client
    store: Path

    @classmethod
    @asynccontextmanager
    async def of(cls, port: int, temporal: Client, store: str) -> AsyncIterator["Programs"]:
        """Call a gateway."""
        async with AsyncWorkerClient(
            f"127.0.0.1:{port}", service="tests", timeout=TIMEOUT_S
        ) as client:
            yield cls(client, temporal, Path(urlsplit(store).path))

    async def start(self, code: str, *, tenant_id: str = "acme", **fields: Any) -> AsyncTask:
        """Start a program."""
        payload = {"code": dedent(code), "tenant_id": tenant_id, **fields}
        return await self.gateway.start("execute_code", payload)

    async def run(self, code: str, **fields: Any) -> dict[str, Any]:
        """Run a program to its end; returns the Execution."""
        task = await self.start(code, **fields)
        result: dict[str, Any] = await task.result(timeout=TIMEOUT_S)
        return result

    async def start_errand(self, name: str, *, seconds: float) -> WorkflowHandle[Any, Any]:
        """Start an errand; it is under way, and no longer queued, when this returns."""
        task = await self.gateway.start("errand", tenant_id="acme", name=name, seconds=seconds)
        handle = self.handle(task)

        async def is_under_way() -> bool:
            history = await handle.fetch_history()
            return history.events[-1].HasField("timer_started_event_attributes")

        await until(is_under_way)
        return handle

    def handle(self, task: AsyncTask, *, run_id: str | None = None) -> WorkflowHandle[Any, Any]:
        """Return the program's workflow."""
        return self.temporal.get_workflow_handle(
            task.workflow_id, run_id=run_id, result_type=ContextUnit
        )

    async def activities(self, task: AsyncTask) -> list[str]:
        """List the activities of the program's workflow; local ones are not among them."""
        history = await self.handle(task).fetch_history()
        return [
            event.activity_task_scheduled_event_attributes.activity_type.name
            for event in history.events
            if event.HasField("activity_task_scheduled_event_attributes")
        ]

    async def replay(self, task: AsyncTask, *, run_id: str | None = None) -> None:
        """Take the program's workflow through its history again: it must decide the same."""
        history = await self.handle(task, run_id=run_id).fetch_history()
        replayer = Replayer(
            workflows=[route.workflow for route in module.routes],
            plugins=[ContextPlugin(*shared_modules([module]))],
        )
        await replayer.replay_workflow(history)

    async def runs(self, query: str) -> int:
        """Count runs, as Temporal lists them."""
        counted = await self.temporal.count_workflows(query)
        return counted.count

    def snapshots(self, execution: str | None = None) -> list[Path]:
        """List the snapshots that are in the store; those of one execution, or all."""
        return [
            path
            for path in self.store.glob(f"*/sandbox/{execution or '*'}/*")
            if "#" not in path.name  # half-written
        ]


async def until(condition: Callable[[], Awaitable[bool]], *, timeout_s: float = TIMEOUT_S) -> None:
    """Wait for a condition, checked often."""
    async with asyncio.timeout(timeout_s):
        while not await condition():
            await asyncio.sleep(0.02)
