"""Pauses, resumes and deletes schedules."""

from dataclasses import dataclass

from temporalio.api.schedule.v1 import SchedulePatch
from temporalio.api.workflowservice.v1 import DeleteScheduleRequest
from temporalio.service import RPCError

from contextworker.core.messages import Message
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.schedules.patching import Patcher, Target
from contextworker.gateway.schedules.reading import ScheduleReader
from contextworker.gateway.temporal import Temporal

MAX_NOTE_BYTES = 1000
"""What Temporal takes."""


class PausedReply(Message):
    """Whether a schedule is paused now, and what was noted of it."""

    schedule_id: str
    tenant_id: str
    paused: bool
    note: str


class DeletedReply(Message):
    """Which schedule is gone."""

    schedule_id: str
    tenant_id: str


@dataclass(frozen=True)
class ScheduleControl:
    """Changes schedules one at a time."""

    temporal: Temporal
    reader: ScheduleReader
    patcher: Patcher

    async def pause(self, target: Target, note: str | None) -> PausedReply:
        """Stop a schedule from starting runs; those under way go on.

        Raises:
            ScheduleNotFoundError: The tenant has no such schedule.
            ScopeMissingError: The caller lacks a scope of the unit that registered it.
            TemporalUnavailableError: Temporal does not answer.
        """
        note = note or _by_caller("paused")
        return await self._set(target, SchedulePatch(pause=note), note)

    async def resume(self, target: Target, note: str | None) -> PausedReply:
        """Let a schedule start runs again; those of the pause are not caught up on.

        Raises:
            ScheduleNotFoundError: The tenant has no such schedule.
            ScopeMissingError: The caller lacks a scope of the unit that registered it.
            TemporalUnavailableError: Temporal does not answer.
        """
        note = note or _by_caller("resumed")
        return await self._set(target, SchedulePatch(unpause=note), note)

    async def delete(self, target: Target) -> DeletedReply:
        """Remove a schedule; its runs stay, and those under way go on.

        Raises:
            ScheduleNotFoundError: The tenant has no such schedule, perhaps no longer.
            ScopeMissingError: The caller lacks a scope of the unit that registered it.
            TemporalUnavailableError: Temporal does not answer.
        """
        await self.reader.to_change(target.tenant_id, target.schedule_id)
        request = DeleteScheduleRequest(
            namespace=self.temporal.namespace,
            schedule_id=target.temporal_id,
            identity=self.temporal.identity,
        )
        try:
            await self.temporal.call(self.temporal.service.delete_schedule, request)
        except RPCError as error:
            raise target.ended_by(error) from error
        return DeletedReply(schedule_id=target.schedule_id, tenant_id=target.tenant_id)

    async def _set(self, target: Target, patch: SchedulePatch, note: str) -> PausedReply:
        await self.reader.to_change(target.tenant_id, target.schedule_id)
        paused = bool(patch.pause)
        await self.patcher.send(target, "pause" if paused else "resume", patch)
        return PausedReply(
            schedule_id=target.schedule_id, tenant_id=target.tenant_id, paused=paused, note=note
        )


def _by_caller(done: str) -> str:
    told = f"{done} by {current_caller().subject}".encode()[:MAX_NOTE_BYTES]
    return told.decode(errors="ignore")
