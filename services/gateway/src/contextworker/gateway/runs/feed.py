"""Reads one run again and again, for everybody who follows it."""

import asyncio
import time
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.service import RPCError

from contextworker.core.messages import Progress
from contextworker.gateway.errors import TemporalBusyError, TemporalUnavailableError
from contextworker.gateway.runs.following import describe, followed
from contextworker.gateway.runs.history import awaited_close_event
from contextworker.gateway.runs.state.progress import query_progress
from contextworker.gateway.runs.state.status import Status, StatusReader
from contextworker.gateway.shared_task import shared_task
from contextworker.gateway.temporal import Temporal

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0
_SLOWER = 1.5
_PATIENCE_S = 60.0
_OPEN = (Status.QUEUED, Status.RUNNING)
_ALWAYS_MOVE = ("last_heartbeat_at", "next_attempt_at")


def is_closed(status: dict[str, Any]) -> bool:
    """Tell whether nothing can change any more."""
    return status["status"] not in _OPEN


def what_matters(status: dict[str, Any]) -> dict[str, Any]:
    """Leave out the times that move while nothing happens."""
    shown = {**status, "pending_activities": [_still(it) for it in status["pending_activities"]]}
    return {**shown, "error": _still(shown["error"])} if "error" in shown else shown


def _still(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in _ALWAYS_MOVE}


class Feed:
    """How a run stands, kept up to date while somebody follows it.

    It is read often after a change and less often while nothing happens; of its end Temporal tells
    at once, by a long poll.
    """

    def __init__(
        self, temporal: Temporal, statuses: StatusReader, workflow_id: str, run_id: str
    ) -> None:
        self.followers = 0
        self._temporal = temporal
        self._statuses = statuses
        self._run = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        self._status: dict[str, Any] = {}
        self._changes = 0
        self._failure: Exception | None = None
        self._news = asyncio.Event()
        self._progress = _AskedProgress(temporal)
        self._closing: asyncio.Task[None] | None = None
        self._reading = shared_task(self._read_on())

    @property
    def has_ended(self) -> bool:
        """Whether it is read no more."""
        return self._reading.done()

    async def after(self, seen: int) -> tuple[int, dict[str, Any]]:
        """Return the number of changes, and the state, once there are more changes than seen.

        Raises:
            Exception: What ended the reading before the run's end.
        """
        while self._changes == seen:
            if self._failure is not None:
                raise self._failure
            await self._news.wait()
        return self._changes, self._status

    def end(self, why: Exception) -> None:
        """Stop reading, and tell every follower."""
        self._failure = why
        self._tell()
        self.stop()

    def stop(self) -> None:
        """Stop reading: nobody follows any more."""
        self._reading.cancel()
        if self._closing is not None:
            self._closing.cancel()

    async def _read_on(self) -> None:
        try:
            await self._read_until_closed()
        except Exception as error:  # noqa: BLE001 - the followers' calls end with it, and are mapped
            self._failure = error
            self._tell()

    async def _read_until_closed(self) -> None:
        pause_s, away_since = _FIRST_PAUSE_S, None
        while True:
            try:
                changed = await self._read()
            except (TemporalUnavailableError, TemporalBusyError):
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > _PATIENCE_S:
                    raise
                await asyncio.sleep(_LONGEST_PAUSE_S)
                continue
            if is_closed(self._status):
                return
            away_since = None
            pause_s = _FIRST_PAUSE_S if changed else min(pause_s * _SLOWER, _LONGEST_PAUSE_S)
            await self._rest(pause_s)

    async def _read(self) -> bool:
        described = await describe(self._temporal, self._run.workflow_id, self._run.run_id)
        described = await followed(self._temporal, described)
        status = await self._statuses.of(described, ask=self._progress.ask)
        self._run = described.workflow_execution_info.execution
        changed = not self._status or what_matters(self._status) != what_matters(status)
        self._status = status
        if changed:
            self._changes += 1
            self._tell()
        return changed

    async def _rest(self, seconds: float) -> None:
        if self._closing is None or self._closing.done():
            self._closing = asyncio.create_task(self._closes(self._run))
        await asyncio.wait({self._closing}, timeout=seconds)

    async def _closes(self, run: WorkflowExecution) -> None:
        try:
            await awaited_close_event(self._temporal, run)
        except (RPCError, RuntimeError):  # the reading tells what is wrong, and goes on without
            await asyncio.sleep(_LONGEST_PAUSE_S)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class _AskedProgress:
    """What a run answered of its progress: asked again only when it has done something since."""

    def __init__(self, temporal: Temporal) -> None:
        self._temporal = temporal
        self._asked_at: tuple[str, int] | None = None
        self._silent_until = 0.0
        self._answer: Progress | None = None

    async def ask(self, info: WorkflowExecutionInfo) -> Progress | None:
        at = (info.execution.run_id, info.history_length)
        is_due = self._answer is None and time.monotonic() > self._silent_until
        if at != self._asked_at or is_due:
            self._answer = await query_progress(self._temporal, info.execution)
            self._asked_at = at
            self._silent_until = time.monotonic() + _LONGEST_PAUSE_S
        return self._answer
