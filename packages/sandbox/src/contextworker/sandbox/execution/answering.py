"""Have done what code calls for, each call once, and tell what came of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, cast

from pydantic import JsonValue
from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from contextcore import ContextUnit, UnitError
from contextworker.core.caller import MEMO_KEY, CallerRights
from contextworker.sandbox.execution.arguments import (
    RefusedError,
    pause_of,
    start_of,
    task_of,
    wait_of,
)
from contextworker.sandbox.execution.lanes import HEARTBEAT, PATIENT
from contextworker.sandbox.execution.waiting import Status, until_closed
from contextworker.sandbox.messages import (
    SLEEP,
    Answer,
    Limits,
    SoFar,
    StartedTask,
    TaskQuestion,
    TaskStart,
    ToolActivities,
    ToolCall,
    ToolRequest,
    Waited,
)
from contextworker.sandbox.sizes import too_large

PROVENANCE: Final = "sandbox:start_workflow"
DEEPEST: Final = 10
"""A program may start one that starts one …, so many times: none goes on for ever by that."""

_GATEWAY_CALL: Final = timedelta(seconds=20)
_TOOL_CALL: Final = timedelta(hours=1)
"""Of one attempt; each tool has a shorter time of its own."""

_Function = Callable[[ToolCall], Awaitable[JsonValue]]


class Answering:
    """Answers calls, in the name of whoever started the run."""

    def __init__(self, unit: ContextUnit, execution: str, so_far: SoFar | None) -> None:
        """Read the caller's rights.

        Args:
            unit: The run's own: what is started follows from it.
            execution: Names the execution in the keys of its calls.
            so_far: None at its beginning.
        """
        self._unit = unit
        self._execution = execution
        self.tasks = dict(so_far.tasks) if so_far else {}
        """What code has started by now: run ids by workflow id."""

        self.at_once = True
        """Whether the latest call was answered without asking anybody, or waiting."""

        self._memo = workflow.memo_value(MEMO_KEY, default=None, type_hint=CallerRights)
        self._number = 0
        self._functions: dict[str, _Function] = {
            "start_workflow": self._start_workflow,
            "task_status": self._task_status,
            "wait_for": self._wait_for,
            SLEEP: self._sleep,
        }

    async def answer(
        self, call: ToolCall, limits: Limits, *, number: int, waited: Waited | None
    ) -> Answer:
        """Have a call done.

        Args:
            call: What code calls.
            limits: Of the execution.
            number: Which call of the execution it is.
            waited: How far it is, where it began in a run before this one.

        Raises:
            LongHistoryError: It is a wait, and is to go on in another run.
        """
        self._limits, self._number, self._waited = limits, number, waited
        self.at_once = True
        function = self._functions.get(call.tool, self._call_tool)
        try:
            value = await function(call)
            self._check_size(call.tool, value)
        except RefusedError as refused:
            return refused.answer
        return Answer(value=value)

    async def _start_workflow(self, call: ToolCall) -> JsonValue:
        start, rights = start_of(call), self._rights(call.tool)
        tenant_id = start.payload.get("tenant_id", rights.tenant_id)
        if tenant_id != rights.tenant_id:
            raise RefusedError(
                PermissionError,
                f"this code runs for the tenant {rights.tenant_id!r}, and starts nothing for "
                f"{tenant_id!r}; leave tenant_id out",
            )
        if self._unit.provenance.count(PROVENANCE) >= DEEPEST:
            raise RefusedError(
                PermissionError,
                f"start_workflow(): this code was started by code, {DEEPEST} programs deep; it may "
                "start nothing itself",
            )
        payload = {**start.payload, "workflow_type": start.workflow_type, "tenant_id": tenant_id}
        unit = self._unit.child(payload, provenance=PROVENANCE)
        try:
            unit.to_protobuf()
        except UnitError as error:
            raise RefusedError(ValueError, f"start_workflow(): {error}") from None
        answer = await self._asked(
            ToolActivities.start_task,
            TaskStart(rights=rights, unit=unit),
            summary=f"{self._number}: start {start.workflow_type}",
        )
        started = StartedTask.model_validate(answer)
        self.tasks[started.workflow_id] = started.run_id
        return started.workflow_id

    async def _task_status(self, call: ToolCall) -> JsonValue:
        return cast("JsonValue", await self._status(task_of(call), call.tool))

    async def _wait_for(self, call: ToolCall) -> JsonValue:
        wait = wait_of(call)
        self._rights(call.tool)
        if (waited := self._waited) is None:
            deadline = None if wait.timeout_s is None else workflow.time() + wait.timeout_s
            waited = Waited(deadline=deadline)

        async def ask(workflow_id: str) -> Status:
            return await self._status(workflow_id, call.tool)

        ended = await until_closed(
            wait, ask, waited, fits=lambda closed: self._check_size(call.tool, closed)
        )
        return cast("JsonValue", ended if wait.several else ended[0])

    async def _status(self, workflow_id: str, tool: str) -> Status:
        question = TaskQuestion(
            rights=self._rights(tool),
            workflow_id=workflow_id,
            run_id=self.tasks.get(workflow_id),
            answer_bytes=self._limits.answer_bytes,
        )
        summary = f"{self._number}: {workflow_id}"
        return cast(
            "Status", await self._asked(ToolActivities.task_status, question, summary=summary)
        )

    async def _sleep(self, call: ToolCall) -> JsonValue:
        self.at_once = False
        # A timer that ends after the execution's time need not be set for longer.
        await workflow.sleep(min(pause_of(call), self._limits.lifetime_s + 1))
        return None

    async def _call_tool(self, call: ToolCall) -> JsonValue:
        request = ToolRequest(
            rights=self._rights(call.tool),
            call=call,
            key=f"{self._execution}/{self._number}",
            trace_id=self._unit.trace_id,
            answer_bytes=self._limits.answer_bytes,
        )
        return await self._asked(
            ToolActivities.call_tool,
            request,
            summary=f"{self._number}: {call.tool}",
            attempt=_TOOL_CALL,
        )

    def _check_size(self, tool: str, value: Any) -> None:
        if problem := too_large(f"{tool}()", value, self._limits.answer_bytes):
            raise RefusedError(ValueError, problem)

    def _rights(self, tool: str) -> CallerRights:
        if self._memo is None:
            raise RefusedError(
                PermissionError,
                f"{tool}(): nobody knows in whose name this code runs; run it by the gateway's "
                "ExecuteCode, which says so",
            )
        return self._memo

    async def _asked(
        self, method: Any, argument: Any, *, summary: str, attempt: timedelta = _GATEWAY_CALL
    ) -> JsonValue:
        """Run one of ToolActivities for as long as it takes; the lifetime ends it."""
        self.at_once = False
        try:
            answer: Answer = await workflow.execute_activity_method(
                method,
                argument,
                start_to_close_timeout=attempt,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=PATIENT,
                summary=summary,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            raise RefusedError(RuntimeError, str(error.cause or error)) from error
        if answer.error is not None:
            raise RefusedError(answer.error.type, answer.error.message)
        return answer.value
