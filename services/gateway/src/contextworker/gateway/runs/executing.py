"""Runs code: starts the run that does it, and waits for what comes of it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.service import RPCError

from contextcore import ContextUnit, Violation
from contextworker.core.messages import Message
from contextworker.gateway.deadline import remaining_s
from contextworker.gateway.errors import (
    ExecutionFailedError,
    GatewayError,
    InvalidRequestError,
    NotOfferedError,
    ScopeMissingError,
    UnknownWorkflowTypeError,
)
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.runs.access import AskedRun, find_own
from contextworker.gateway.runs.executions import EXECUTE_CODE
from contextworker.gateway.runs.history import awaited_close_event
from contextworker.gateway.runs.starting import Starter
from contextworker.gateway.runs.state.results import outcome_of
from contextworker.gateway.runs.state.status import Status
from contextworker.gateway.runs.state.waiting import Waiting, find_waiting
from contextworker.gateway.task_queues import Queues
from contextworker.gateway.temporal import Temporal

# Of the caller's time, what is left for telling that the code is not done.
_MARGIN_S = 0.5
_MARGIN_PART = 0.25

_ENDS: Mapping[EventType.ValueType, Status] = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: Status.COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: Status.FAILED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: Status.CANCELLED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: Status.TERMINATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: Status.TIMED_OUT,
}


class OpenExecution(Message):
    """An execution that goes on after its call has ended."""

    workflow_id: str
    run_id: str
    status: Status
    reason: str | None = None


class Executor:
    """Runs code for callers who wait for it, as long as they can."""

    def __init__(
        self, temporal: Temporal, queues: Queues, starter: Starter, *, wait_s: float
    ) -> None:
        self._temporal = temporal
        self._queues = queues
        self._starter = starter
        self._wait_s = wait_s
        self._waits: set[asyncio.Timeout] = set()

    async def execute(self, unit: ContextUnit) -> dict[str, Any]:
        """Run a unit's code: once, however often the unit is sent.

        Returns what came of it, or where to ask when it is not done in time: within the caller's
        deadline, the configured wait, and before the gateway stops.

        Raises:
            InvalidRequestError: The payload does not fit, or is for another workflow type.
            TenantDeniedError: It names a tenant that is not the caller's.
            ScopeMissingError: The caller may not read what the unit's run returns.
            NotOfferedError: No module runs code.
            RouteConflictError: Several modules do.
            ExecutionFailedError: The run ended without a result.
            TemporalUnavailableError: Temporal does not answer; send the same unit again.
        """
        if missing := current_caller().lacks(unit.security.read):
            raise ScopeMissingError(missing)
        run = await self._started(unit)
        event = await self._end(run)
        return await (self._open(run) if event is None else self._closed(run, event))

    def leave(self) -> None:
        """End every wait: the gateway stops."""
        self._wait_s = 0
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            wait.reschedule(now)

    async def _started(self, unit: ContextUnit) -> WorkflowExecution:
        if unit.payload.get("workflow_type", EXECUTE_CODE) != EXECUTE_CODE:
            problem = f"must be {EXECUTE_CODE!r} or left out: ExecuteCode starts nothing else"
            raise InvalidRequestError([Violation("payload.workflow_type", problem)])
        payload = {**unit.payload, "workflow_type": EXECUTE_CODE}
        try:
            started = await self._starter.start(unit.model_copy(update={"payload": payload}))
        except UnknownWorkflowTypeError:
            raise NotOfferedError(
                "this installation runs no code: no module announces the workflow type "
                f"{EXECUTE_CODE!r}"
            ) from None
        return WorkflowExecution(workflow_id=started.workflow_id, run_id=started.run_id)

    async def _end(self, run: WorkflowExecution) -> HistoryEvent | None:
        """Wait for the last event; None where it did not come in time."""
        try:
            async with asyncio.timeout(self._patience_s()) as wait:
                self._waits.add(wait)
                try:
                    return await self._last_event(run)
                finally:
                    self._waits.discard(wait)
        except TimeoutError:
            return None

    def _patience_s(self) -> float:
        left_s = remaining_s()
        if left_s is None:
            return self._wait_s
        return min(self._wait_s, left_s - min(_MARGIN_S, left_s * _MARGIN_PART))

    async def _last_event(self, run: WorkflowExecution) -> HistoryEvent:
        """Follow the run, whose id becomes that of its latest."""
        while True:
            event = await awaited_close_event(self._temporal, run)
            successor = event.workflow_execution_continued_as_new_event_attributes
            if not successor.new_execution_run_id:
                return event
            run.run_id = successor.new_execution_run_id

    async def _open(self, run: WorkflowExecution) -> dict[str, Any]:
        waiting = await self._waiting(run)
        execution = OpenExecution(
            workflow_id=run.workflow_id,
            run_id=run.run_id,
            status=Status.QUEUED if waiting.queued else Status.RUNNING,
            reason=waiting.reason,
        )
        return execution.model_dump(mode="json", exclude_none=True)

    async def _waiting(self, run: WorkflowExecution) -> Waiting:
        left_s = remaining_s()
        try:
            async with asyncio.timeout(_MARGIN_S if left_s is None else min(_MARGIN_S, left_s / 2)):
                described = await find_own(self._temporal, _asked(run), to="read")
                return await find_waiting(self._temporal, self._queues, described)
        except (TimeoutError, GatewayError, RPCError):  # it was started: that much is certain
            return Waiting()

    async def _closed(self, run: WorkflowExecution, event: HistoryEvent) -> dict[str, Any]:
        outcome = await outcome_of(self._temporal, run, event)
        # A unit that was sent before has the run of that time, with the scopes of that time.
        if outcome.readers is None:
            await find_own(self._temporal, _asked(run), to="read")
        elif missing := current_caller().lacks(outcome.readers):
            raise ScopeMissingError(missing)
        status = _ENDS[event.event_type]
        if not outcome.has_result:
            why = outcome.error.message if outcome.error else outcome.reason
            raise ExecutionFailedError(run.workflow_id, run.run_id, status, why or status)
        result = outcome.result if isinstance(outcome.result, dict) else {"result": outcome.result}
        return {
            **result,
            "workflow_id": run.workflow_id,
            "run_id": run.run_id,
            "status": status.value,
        }


def _asked(run: WorkflowExecution) -> AskedRun:
    return AskedRun(run.workflow_id, run.run_id)
