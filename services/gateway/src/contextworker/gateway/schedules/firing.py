"""Starts a run of a schedule now, besides those of its cron."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.schedule.v1 import SchedulePatch, TriggerImmediatelyRequest
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode

from contextworker.core.messages import Message
from contextworker.gateway.deadline import remaining_s
from contextworker.gateway.schedules.definition import Overlap
from contextworker.gateway.schedules.ids import run_id_at
from contextworker.gateway.schedules.patching import Patcher, Target
from contextworker.gateway.schedules.reading import FoundSchedule, ScheduleReader
from contextworker.gateway.temporal import Temporal

_WAIT_S = 2.0
_REPLY_S = 0.3  # of the caller's time, to answer in
_POLL_S = 0.05
# A caller's clock may be so far off before its unit's time is no longer the run's.
_SKEW = timedelta(minutes=10)


class TriggerReply(Message):
    """The run, or why there is none yet; what does not apply is left out."""

    schedule_id: str
    tenant_id: str
    workflow_id: str | None = None
    run_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Trigger:
    """Fires schedules by hand."""

    temporal: Temporal
    reader: ScheduleReader
    patcher: Patcher

    async def fire(
        self, target: Target, created_at: datetime, overlap: Overlap | None
    ) -> TriggerReply:
        """Start a run, paused or not, and tell which where it starts at once.

        Temporal names a run by the second of its time, which is the unit's: a unit sent again
        gets the same run, and so do two units of one second.

        Raises:
            ScheduleNotFoundError: The tenant has no such schedule.
            ScopeMissingError: The caller lacks a scope of the unit that registered it.
            TemporalUnavailableError: Temporal does not answer; send the same unit again.
        """
        found = await self.reader.to_change(target.tenant_id, target.schedule_id)
        fired_at = _fired_at(created_at)
        workflow_id = run_id_at(found.start.workflow_id, fired_at)
        # Temporal forgets a request at some time, and would take a closed run's id again.
        run_id = await self._run(workflow_id)
        if run_id is None:
            trigger = TriggerImmediatelyRequest(scheduled_time=fired_at)
            if overlap is not None:
                trigger.overlap_policy = overlap.policy
            await self.patcher.send(target, "trigger", SchedulePatch(trigger_immediately=trigger))
            run_id = await self._started(workflow_id)
        if run_id is not None:
            return TriggerReply(
                schedule_id=target.schedule_id,
                tenant_id=target.tenant_id,
                workflow_id=workflow_id,
                run_id=run_id,
            )
        now = await self.reader.read(target.temporal_id)
        return TriggerReply(
            schedule_id=target.schedule_id,
            tenant_id=target.tenant_id,
            reason=_reason(now or found, overlap),
        )

    async def _started(self, workflow_id: str) -> str | None:
        left_s = remaining_s()
        wait_s = _WAIT_S if left_s is None else min(_WAIT_S, left_s - _REPLY_S)
        gives_up_at = time.monotonic() + wait_s
        while True:
            run_id = await self._run(workflow_id)
            if run_id is not None or time.monotonic() > gives_up_at:
                return run_id
            await asyncio.sleep(_POLL_S)

    async def _run(self, workflow_id: str) -> str | None:
        request = DescribeWorkflowExecutionRequest(
            namespace=self.temporal.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
        )
        try:
            answer = await self.temporal.call(
                self.temporal.service.describe_workflow_execution, request
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return answer.workflow_execution_info.first_run_id or (
            answer.workflow_execution_info.execution.run_id
        )


def _fired_at(created_at: datetime) -> Timestamp:
    now = datetime.now(UTC)
    moment = created_at if abs(now - created_at) < _SKEW else now
    return Timestamp(seconds=int(moment.timestamp()))


def _reason(found: FoundSchedule, overlap: Overlap | None) -> str:
    overlap = overlap or Overlap.of(found.schedule.policies.overlap_policy)
    if not found.running:
        return "Temporal has not started the run yet; ListSchedules shows it when it has"
    earlier = f"an earlier run is open, {found.running[0].workflow_id!r}, and overlap is {overlap}"
    if overlap is Overlap.SKIP:
        return f"nothing was started: {earlier}"
    return f"the run has not started yet: {earlier}"
