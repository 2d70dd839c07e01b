"""Lets Temporal judge times before anything is written.

Temporal checks a schedule's times before it looks the schedule up. So a change to a schedule that
cannot exist is refused either way, and the answer tells whether the times are sound.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowType
from temporalio.api.schedule.v1 import Schedule, ScheduleAction, ScheduleSpec
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import NewWorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import UpdateScheduleRequest
from temporalio.service import RPCError, RPCStatusCode

from contextworker.gateway.schedules.cron import cron_problem, cron_strings, zone_problem
from contextworker.gateway.temporal import Temporal

_AT_ONCE = 10
_REFUSED = "Invalid schedule spec: "
_SOUND = "0 0 * * *"
_ACTION = ScheduleAction(
    start_workflow=NewWorkflowExecutionInfo(
        workflow_id="none",
        workflow_type=WorkflowType(name="none"),
        task_queue=TaskQueue(name="none"),
    )
)


@dataclass(frozen=True)
class TimesJudge:
    """Says what is wrong with cron expressions and time zones."""

    temporal: Temporal

    async def crons(self, crons: Iterable[str]) -> dict[str, str]:
        """Return the problem of each expression that has one."""
        return await self._judged(
            {cron: cron_problem(cron) for cron in crons},
            lambda cron: ScheduleSpec(cron_string=cron_strings(cron)),
        )

    async def zones(self, zones: Iterable[str]) -> dict[str, str]:
        """Return the problem of each time zone that has one."""
        return await self._judged(
            {zone: zone_problem(zone) for zone in zones},
            lambda zone: ScheduleSpec(cron_string=[_SOUND], timezone_name=zone),
        )

    async def _judged(
        self, problems: dict[str, str | None], spec: Callable[[str], ScheduleSpec]
    ) -> dict[str, str]:
        formed = [text for text, problem in problems.items() if problem is None]
        places = asyncio.Semaphore(_AT_ONCE)

        async def verdict(text: str) -> str | None:
            async with places:
                return await self._verdict(spec(text))

        verdicts = await asyncio.gather(*map(verdict, formed))
        problems |= dict(zip(formed, verdicts, strict=True))
        return {text: problem for text, problem in problems.items() if problem is not None}

    async def _verdict(self, spec: ScheduleSpec) -> str | None:
        nowhere = str(uuid.uuid4())
        request = UpdateScheduleRequest(
            namespace=self.temporal.namespace,
            schedule_id=f"contextworker.{nowhere}",
            schedule=Schedule(spec=spec, action=_ACTION),
            identity=self.temporal.identity,
            request_id=nowhere,
        )
        try:
            await self.temporal.call(self.temporal.service.update_schedule, request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            if not error.message.startswith(_REFUSED):
                raise
            return f"cannot be read: {error.message.removeprefix(_REFUSED)}"
        return None
