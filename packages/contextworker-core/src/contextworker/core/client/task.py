"""A started task in a caller's hands."""

# ruff: noqa: ASYNC109 - the timeouts are deadlines of gRPC calls, and the same in both classes
from __future__ import annotations  # the clients import this module

from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contextcore import ContextUnit
from contextworker.core.client.replies import Cancelled, Started, TaskStatus
from contextworker.core.client.watching import OnInterruption

if TYPE_CHECKING:
    from contextworker.core.client.async_client import AsyncWorkerClient
    from contextworker.core.client.client import WorkerClient


@dataclass(frozen=True)
class Task:
    """A task that was started, or joined where one was under way under its workflow id."""

    client: WorkerClient = field(repr=False)
    started: Started
    unit: ContextUnit = field(repr=False)
    """What was sent; sent again, it is this task."""

    @property
    def workflow_id(self) -> str:
        """Its workflow id."""
        return self.started.workflow_id

    @property
    def run_id(self) -> str:
        """The run, of those there may be one after another under the workflow id."""
        return self.started.run_id

    def status(self) -> TaskStatus:
        """Return how it stands; see `WorkerClient.status`."""
        return self.client.status(self.workflow_id, run_id=self.run_id or None)

    def watch(
        self, *, timeout: float | None = None, on_interruption: OnInterruption | None = None
    ) -> Generator[TaskStatus]:
        """Iterate over its states; see `WorkerClient.watch`."""
        return self.client.watch(
            self.workflow_id,
            run_id=self.run_id or None,
            timeout=timeout,
            on_interruption=on_interruption,
        )

    def result(self, *, timeout: float | None = None) -> Any:
        """Wait for what its workflow returns; see `WorkerClient.result`."""
        return self.client.result(self.workflow_id, run_id=self.run_id or None, timeout=timeout)

    def cancel(self, *, reason: str | None = None) -> Cancelled:
        """Ask it to stop; see `WorkerClient.cancel`."""
        return self.client.cancel(self.workflow_id, run_id=self.run_id or None, reason=reason)


@dataclass(frozen=True)
class AsyncTask:
    """A task that was started, or joined where one was under way under its workflow id."""

    client: AsyncWorkerClient = field(repr=False)
    started: Started
    unit: ContextUnit = field(repr=False)
    """What was sent; sent again, it is this task."""

    @property
    def workflow_id(self) -> str:
        """Its workflow id."""
        return self.started.workflow_id

    @property
    def run_id(self) -> str:
        """The run, of those there may be one after another under the workflow id."""
        return self.started.run_id

    async def status(self) -> TaskStatus:
        """Return how it stands; see `AsyncWorkerClient.status`."""
        return await self.client.status(self.workflow_id, run_id=self.run_id or None)

    def watch(
        self, *, timeout: float | None = None, on_interruption: OnInterruption | None = None
    ) -> AsyncGenerator[TaskStatus]:
        """Iterate over its states; see `AsyncWorkerClient.watch`."""
        return self.client.watch(
            self.workflow_id,
            run_id=self.run_id or None,
            timeout=timeout,
            on_interruption=on_interruption,
        )

    async def result(self, *, timeout: float | None = None) -> Any:
        """Wait for what its workflow returns; see `AsyncWorkerClient.result`."""
        return await self.client.result(
            self.workflow_id, run_id=self.run_id or None, timeout=timeout
        )

    async def cancel(self, *, reason: str | None = None) -> Cancelled:
        """Ask it to stop; see `AsyncWorkerClient.cancel`."""
        return await self.client.cancel(self.workflow_id, run_id=self.run_id or None, reason=reason)
