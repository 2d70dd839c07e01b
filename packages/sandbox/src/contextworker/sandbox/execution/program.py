"""The program of one execution: where it stands, and how it is run on."""

from typing import Any, Final

from temporalio import workflow

from contextworker.core.errors import PermanentError
from contextworker.sandbox.execution import lanes
from contextworker.sandbox.execution.snapshots import Snapshots
from contextworker.sandbox.messages import (
    Answer,
    ExecuteRequest,
    Finished,
    Limits,
    ResumeTurn,
    SandboxActivities,
    SoFar,
    StartTurn,
    Suspended,
    Turn,
)
from contextworker.sandbox.sizes import written_bytes

_FAST_IN_A_ROW: Final = 3
"""Turns in the fast lane with nothing in between that goes by way of the server.

Until something does, the run answers no query and hears of no cancelling.
"""

_NO_STOP: Final = "a turn of the code came to no stop; this is a fault of the sandbox's worker"


class Program:
    """A program that runs turn by turn: it is suspended, or has finished."""

    def __init__(self, request: ExecuteRequest, execution: str, so_far: SoFar | None) -> None:
        """Take a program up where the run before this one left it.

        Args:
            request: What the caller sent.
            execution: Names the execution's snapshots.
            so_far: None at its beginning.
        """
        self._request = request
        self._execution = execution
        self._limits = so_far.limits if so_far else None
        self.stdout = so_far.stdout if so_far else ""
        self.stderr = so_far.stderr if so_far else ""
        self.started_at = so_far.started_at if so_far else workflow.time()
        self.suspended = so_far.suspended if so_far else None
        self.finished: Finished | None = None
        self._in_a_row = 0
        self.snapshots = Snapshots(execution, request.tenant_id)
        if so_far:
            self.snapshots.came(so_far.suspended.snapshot)

    @property
    def limits(self) -> Limits:
        """What it may use: known from its first turn on."""
        if self._limits is None:
            raise PermanentError(_NO_STOP)
        return self._limits

    @property
    def ends_at(self) -> float | None:
        """When its time is over, in seconds since 1970; None before a turn has told its limits."""
        return self.started_at + self._limits.lifetime_s if self._limits else None

    @property
    def ended(self) -> Finished:
        """What it came to."""
        if self.finished is None:
            raise PermanentError(_NO_STOP)
        return self.finished

    async def start_fast(self) -> None:
        """Run its first turn in the fast lane; afterwards it may not have stopped yet."""
        self.snapshots.exist = True  # where it fails, it may have failed after storing one
        turn = await lanes.fast(SandboxActivities.start_turn, self._first, summary="start")
        self.snapshots.exist = turn is None
        if turn is not None:
            self._limits = turn.limits
        if lanes.is_done(turn):
            self._take(turn)

    async def start(self) -> None:
        """Run its first turn with patience."""
        exist, self.snapshots.exist = self.snapshots.exist, True
        turn = await lanes.patient(
            SandboxActivities.start_turn, self._first, limits=self._limits, summary="start"
        )
        self.snapshots.exist = exist
        self._limits = turn.limits
        self._take(turn)

    async def resume(
        self, answer: Answer, *, suspended: Suspended, at_once: bool, summary: str
    ) -> None:
        """Run it on with the answer to its call.

        Args:
            answer: What the call came to.
            suspended: Where the program stands.
            at_once: Whether the workflow answered by itself.
            summary: Shown beside the turn in Temporal's UI.
        """
        turn = ResumeTurn(
            execution=self._execution,
            tenant_id=self._request.tenant_id,
            snapshot=suspended.snapshot,
            answer=answer,
            output_left=self._output_left,
            discard=self.snapshots.needless(),
        )
        method: Any = SandboxActivities.resume_turn
        self._in_a_row = self._in_a_row + 1 if at_once else 0
        done = None
        if self._in_a_row <= _FAST_IN_A_ROW:
            done = await lanes.fast(method, turn, summary=summary)
        if not lanes.is_done(done):
            self._in_a_row = 0
            done = await lanes.patient(method, turn, limits=self._limits, summary=summary)
        self._take(done)

    @property
    def _first(self) -> StartTurn:
        return StartTurn(execution=self._execution, request=self._request)

    @property
    def _output_left(self) -> int:
        written = written_bytes(self.stdout) + written_bytes(self.stderr)
        return max(0, self.limits.output_bytes - written)

    def _take(self, turn: Turn | None) -> None:
        if turn is None or not lanes.is_done(turn):
            raise PermanentError(_NO_STOP)
        self.stdout += turn.stdout
        self.stderr += turn.stderr
        self.suspended, self.finished = turn.suspended, turn.finished
        if turn.suspended is not None:
            self.snapshots.came(turn.suspended.snapshot)
