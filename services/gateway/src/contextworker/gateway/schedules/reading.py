"""Finds a tenant's schedule in Temporal, with what the gateway noted of it."""

import asyncio
import random
from dataclasses import dataclass

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.schedule.v1 import Schedule, ScheduleInfo
from temporalio.api.workflow.v1 import NewWorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DescribeScheduleRequest,
    DescribeScheduleResponse,
)
from temporalio.service import RPCError, RPCStatusCode

from contextcore import SecurityScopes
from contextworker.gateway.errors import (
    ScheduleNotFoundError,
    ScopeMissingError,
    TemporalBusyError,
)
from contextworker.gateway.identity.caller import current_caller
from contextworker.gateway.ownership.scopes import scopes_of
from contextworker.gateway.ownership.tenants import tenant_of
from contextworker.gateway.schedules.ids import temporal_id
from contextworker.gateway.schedules.record import ScheduleRecord, record_of
from contextworker.gateway.temporal import Temporal

_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


@dataclass(frozen=True)
class FoundSchedule:
    """A schedule as Temporal has it now."""

    temporal_id: str
    tenant_id: str | None
    """None: it carries no tenant, so the gateway did not make it."""

    record: ScheduleRecord | None
    """None: the gateway did not write it, or somebody else did since."""

    scopes: SecurityScopes
    schedule: Schedule
    info: ScheduleInfo
    conflict_token: bytes

    @property
    def start(self) -> NewWorkflowExecutionInfo:
        """What its runs begin with."""
        return self.schedule.action.start_workflow

    @property
    def running(self) -> list[WorkflowExecution]:
        """The runs that Temporal waits for before it starts another."""
        return list(self.info.running_workflows)


@dataclass(frozen=True)
class ScheduleReader:
    """Reads schedules."""

    temporal: Temporal

    async def to_change(self, tenant_id: str, schedule_id: str) -> FoundSchedule:
        """Return a tenant's schedule, which the caller is about to change or to fire.

        Raises:
            ScheduleNotFoundError: The tenant has no such schedule.
            ScopeMissingError: The caller does not hold what the unit that registered it asks for.
            TemporalUnavailableError: Temporal does not answer.
        """
        found = await self.read(temporal_id(tenant_id, schedule_id))
        if found is None or found.tenant_id != tenant_id:
            raise ScheduleNotFoundError(tenant_id, schedule_id)
        require(found)
        return found

    async def read(self, name: str) -> FoundSchedule | None:
        """Return the schedule that Temporal has under a name, whosever it is."""
        try:
            answer = await self._described(name)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        start = answer.schedule.action.start_workflow
        converter = self.temporal.converter(start.workflow_id)
        return FoundSchedule(
            temporal_id=name,
            tenant_id=tenant_of(answer.search_attributes),
            record=await record_of(converter, start.memo),
            scopes=await scopes_of(converter, start.memo),
            schedule=answer.schedule,
            info=answer.info,
            conflict_token=answer.conflict_token,
        )

    async def _described(self, name: str) -> DescribeScheduleResponse:
        request = DescribeScheduleRequest(namespace=self.temporal.namespace, schedule_id=name)
        for pause_s in _PAUSES_S:
            try:
                return await self.temporal.call(self.temporal.service.describe_schedule, request)
            except TemporalBusyError as error:
                if not error.with_one_run:
                    raise
                # One schedule answers a handful of readers at a time, and refuses the others.
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        return await self.temporal.call(self.temporal.service.describe_schedule, request)


def require(found: FoundSchedule) -> None:
    """Let only who may write in the name of the unit that registered a schedule change it.

    Raises:
        ScopeMissingError: The caller lacks a scope.
    """
    if missing := current_caller().lacks(found.scopes.write):
        raise ScopeMissingError(missing)
