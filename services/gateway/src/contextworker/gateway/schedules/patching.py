"""Sends Temporal what changes a schedule's course, once for a unit however often it is sent."""

from dataclasses import dataclass

from temporalio.api.schedule.v1 import SchedulePatch
from temporalio.api.workflowservice.v1 import PatchScheduleRequest
from temporalio.service import RPCError, RPCStatusCode

from contextworker.gateway.errors import ScheduleNotFoundError
from contextworker.gateway.schedules.ids import request_id, temporal_id
from contextworker.gateway.temporal import Temporal


@dataclass(frozen=True)
class Target:
    """The schedule that one call is about, and the unit that is the call."""

    unit_id: str
    tenant_id: str
    schedule_id: str

    @property
    def temporal_id(self) -> str:
        """What Temporal calls the schedule."""
        return temporal_id(self.tenant_id, self.schedule_id)

    def ended_by(self, error: RPCError) -> Exception:
        """Say what Temporal's refusal means for the call."""
        if error.status is RPCStatusCode.NOT_FOUND:
            return ScheduleNotFoundError(self.tenant_id, self.schedule_id)
        return error


@dataclass(frozen=True)
class Patcher:
    """Patches schedules."""

    temporal: Temporal

    async def send(self, target: Target, action: str, patch: SchedulePatch) -> None:
        """Patch a schedule that the caller may change.

        Raises:
            ScheduleNotFoundError: There is none, perhaps no longer.
            TemporalUnavailableError: Temporal does not answer.
        """
        request = PatchScheduleRequest(
            namespace=self.temporal.namespace,
            schedule_id=target.temporal_id,
            patch=patch,
            identity=self.temporal.identity,
            request_id=request_id(target.unit_id, action, target.temporal_id),
        )
        try:
            await self.temporal.call(self.temporal.service.patch_schedule, request)
        except RPCError as error:
            raise target.ended_by(error) from error
