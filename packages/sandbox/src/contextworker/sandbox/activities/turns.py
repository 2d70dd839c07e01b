"""The activities that run code: each turn on a free interpreter, its state in the object store."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from contextworker.core.heartbeats import beating
from contextworker.core.objects import ObjectStore
from contextworker.sandbox.engine.fairness import CrowdedError
from contextworker.sandbox.engine.interpreter import Interpreter
from contextworker.sandbox.engine.stops import Ended, NotInTimeError, Stop
from contextworker.sandbox.limits import TenantLimits
from contextworker.sandbox.messages import (
    Limits,
    ResumeTurn,
    SandboxActivities,
    StartTurn,
    Suspended,
    Turn,
)


class Turns(SandboxActivities):
    """Turns of code. Nothing outside happens in one, so each may run twice."""

    def __init__(
        self, interpreter: Interpreter, objects: ObjectStore, limits: TenantLimits
    ) -> None:
        self._interpreter = interpreter
        self._objects = objects
        self._limits = limits

    @activity.defn(name="start_turn")
    async def start_turn(self, turn: StartTurn) -> Turn:
        """Run code from its beginning.

        Safe to repeat: nothing outside happens, and another attempt's snapshot is another object
        or the same.
        """
        request = turn.request
        limits = self._limits.of(request.tenant_id, timeout=request.timeout)
        running = self._interpreter.start(
            request.code,
            request.inputs,
            tenant_id=request.tenant_id,
            limits=limits,
            within_s=turn.within_s,
        )
        async with AsyncExitStack() as stack:
            await _beat(stack)
            return await self._came_to(running, turn.execution, request.tenant_id, limits)

    @activity.defn(name="resume_turn")
    async def resume_turn(self, turn: ResumeTurn) -> Turn:
        """Run code on from a snapshot, with the answer that it waits for.

        Safe to repeat: the snapshot stays until the next turn's is known, and what is discarded
        was needed by turns before it.
        """
        async with AsyncExitStack() as stack:
            await _beat(stack)
            snapshot, _ = await asyncio.gather(
                self._objects.get(turn.snapshot),
                self._objects.delete(reference.key for reference in turn.discard),
            )
            running = self._interpreter.resume(
                snapshot,
                turn.answer,
                tenant_id=turn.tenant_id,
                output_left=turn.output_left,
                within_s=turn.within_s,
            )
            return await self._came_to(running, turn.execution, turn.tenant_id)

    @activity.defn(name="discard_snapshots")
    async def discard_snapshots(self, execution: str, tenant_id: str) -> None:
        """Delete every snapshot of an execution that has ended. Safe to repeat: gone is gone."""
        async with beating():
            await self._objects.delete_all(_prefix(tenant_id, execution))

    async def _came_to(
        self, running: Awaitable[Stop], execution: str, tenant_id: str, limits: Limits | None = None
    ) -> Turn:
        try:
            stop = await running
        except NotInTimeError:
            return Turn(limits=limits)
        except CrowdedError as crowded:
            # Rather than wait here: Temporal asks again, and others have the slot meanwhile.
            raise ApplicationError(
                str(crowded), type="CrowdedError", category=ApplicationErrorCategory.BENIGN
            ) from None
        told = {"stdout": stop.printed.stdout, "stderr": stop.printed.stderr, "limits": limits}
        if isinstance(stop, Ended):
            return Turn(**told, finished=stop.finished)
        snapshot = await self._objects.put(stop.snapshot, prefix=_prefix(tenant_id, execution))
        return Turn(**told, suspended=Suspended(call=stop.call, snapshot=snapshot))


def _prefix(tenant_id: str, execution: str) -> str:
    return f"{tenant_id}/sandbox/{execution}"


async def _beat(stack: AsyncExitStack) -> None:
    """Heartbeat, but for a local activity, which nobody listens to."""
    if not activity.info().is_local:
        await stack.enter_async_context(beating())
