"""Run a program turn by turn, and have done what it calls for in between."""

import asyncio
from typing import Final

from temporalio import workflow
from temporalio.exceptions import FailureError

from contextcore import ContextUnit
from contextworker.core.details import show_details
from contextworker.core.messages import Progress
from contextworker.core.metrics.sandbox import EXECUTIONS, ExecutionEnd, Outcome
from contextworker.sandbox.execution.answering import Answering
from contextworker.sandbox.execution.journal import Journal
from contextworker.sandbox.execution.lanes import is_stopping
from contextworker.sandbox.execution.program import Program
from contextworker.sandbox.execution.runs import LongHistoryError, check_history
from contextworker.sandbox.messages import (
    CodeError,
    ExecuteRequest,
    ExecuteRun,
    Execution,
    Finished,
    Limits,
    SoFar,
    Waited,
)

_TOO_MANY_CALLS: Final = (
    "the code has called tools {calls} times, and may not call any more; do more with each call, "
    "or split the work over several executions"
)
_TOO_LONG: Final = (
    "the code had {lifetime_s:g} s from its beginning to its end, waiting included, and they are "
    "over; what it started goes on, and another execution can look at it"
)


# Outside Temporal's workflow sandbox, which loads this file anew for each run: of what a worker
# computes for a small program, that took two fifths. What it would catch, replays catch as well.
@workflow.defn(name="execute_code", sandboxed=False)
class ExecuteCodeWorkflow:
    """Turns and calls, one after another, until the code ends or reaches one of its limits."""

    def __init__(self) -> None:
        self._journal = Journal()

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run the unit's program; the answer's payload is an Execution."""
        request = ExecuteRun.model_validate(unit.payload)
        execution, so_far = workflow.info().first_execution_run_id, request.so_far
        program = Program(_sent(request), execution, so_far)
        answering = Answering(unit, execution, so_far)
        self._journal = Journal(so_far)
        try:
            finished = await self._finish(program, answering, so_far)
        except LongHistoryError as long:
            workflow.continue_as_new(self._continued(unit, program, answering, long.waited))
        except (FailureError, asyncio.CancelledError):
            await program.snapshots.discard()
            raise
        await program.snapshots.discard()
        _count(request.tenant_id, finished)
        return unit.child(self._execution(program, finished), provenance="worker:sandbox")

    @workflow.query(name="progress")
    def progress(self) -> Progress:
        """Say what the code has called so far."""
        return self._journal.progress()

    async def _finish(
        self, program: Program, answering: Answering, so_far: SoFar | None
    ) -> Finished:
        if so_far is None:
            await program.start_fast()
            if program.finished is not None:
                return program.finished
        lifetime = asyncio.timeout(None)
        try:
            async with lifetime:
                lifetime.reschedule(program.ends_at)
                if program.suspended is None:
                    await program.start()
                    lifetime.reschedule(program.ends_at)
                waited = so_far.waited if so_far else None
                return await self._answer_calls(program, answering, waited)
        except (TimeoutError, FailureError, asyncio.CancelledError):
            if not lifetime.expired():
                raise
        self._journal.stopped("LimitExceeded: lifetime_s")
        return _exceeded("lifetime_s", _TOO_LONG, program.limits)

    def _show(self) -> None:
        show_details(self._journal.in_short(), self._journal.latest())

    async def _answer_calls(
        self, program: Program, answering: Answering, waited: Waited | None
    ) -> Finished:
        """Answer one call after another, until the code has finished."""
        made, limits = self._journal.made, program.limits
        while (suspended := program.suspended) is not None:
            if waited is None:
                check_history(self._journal.made - made)
                if self._journal.made >= limits.calls:
                    return _exceeded("calls", _TOO_MANY_CALLS, limits)
                self._journal.begin(suspended.call)
                self._show()
            number = self._journal.made
            answer = await answering.answer(suspended.call, limits, number=number, waited=waited)
            waited = None
            self._journal.answered(answer)
            self._show()
            await program.resume(
                answer,
                suspended=suspended,
                at_once=answering.at_once,
                summary=f"resume after {number}",
            )
            if is_stopping():  # a turn may have ended before it heard of that
                raise asyncio.CancelledError
        return program.ended

    def _execution(self, program: Program, finished: Finished) -> Execution:
        return Execution(
            **finished.model_dump(),
            stdout=program.stdout,
            stderr=program.stderr,
            calls_made=self._journal.made,
            calls=self._journal.steps,
        )

    def _continued(
        self, unit: ContextUnit, program: Program, answering: Answering, waited: Waited | None
    ) -> ContextUnit:
        """Return the same unit with what has come of it in its payload: the request is the same."""
        assert program.suspended is not None
        so_far = SoFar(
            started_at=program.started_at,
            limits=program.limits,
            stdout=program.stdout,
            stderr=program.stderr,
            suspended=program.suspended,
            waited=waited,
            calls_made=self._journal.made,
            calls=self._journal.steps,
            tasks=answering.tasks,
        )
        payload = {**unit.payload, "so_far": so_far.model_dump(mode="json")}
        return unit.model_copy(update={"payload": payload})


def _count(tenant_id: str, finished: Finished) -> None:
    if workflow.unsafe.is_replaying():
        return
    match finished.error:
        case None:
            outcome = Outcome.COMPLETED
        case CodeError(type="LimitExceeded"):
            outcome = Outcome.LIMIT
        case CodeError(type="InterpreterCrashed"):
            outcome = Outcome.CRASHED
        case _:
            outcome = Outcome.ERROR
    EXECUTIONS.add(1, ExecutionEnd(tenant_id, outcome))


def _sent(request: ExecuteRun) -> ExecuteRequest:
    return ExecuteRequest(**request.model_dump(exclude={"so_far"}))


def _exceeded(limit: str, message: str, limits: Limits) -> Finished:
    error = CodeError(
        type="LimitExceeded", message=message.format(**limits.model_dump()), limit=limit
    )
    return Finished(error=error)
