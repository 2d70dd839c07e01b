"""Holds each tenant to so many open executions: code starts code, and each start is only a call.

Temporal counts runs some moments late, and a gateway counts what it starts itself in between: the
bound is kept about, not exactly.
"""

import asyncio
import time
from dataclasses import dataclass, field

from temporalio.api.workflowservice.v1 import CountWorkflowExecutionsRequest
from temporalio.service import RPCError

from contextworker.core.tenancy import TENANT_ATTRIBUTE
from contextworker.gateway.errors import (
    GatewayError,
    RunNotFoundError,
    TooManyExecutionsError,
)
from contextworker.gateway.runs.following import describe
from contextworker.gateway.runs.plan import PlannedRun
from contextworker.gateway.temporal import Temporal
from contextworker.gateway.visibility.queries import quoted
from contextworker.gateway.visibility.run_attributes import RunAttributes

EXECUTE_CODE = "execute_code"
"""The workflow type of whichever module runs code."""

_PARTS = 10  # so many counts while a tenant's bound is reached
_LATE_S = 1.0
"""By then, Temporal counts what was open at the last count."""

_MAX_TENANTS = 10_000  # of more, the one that was counted first is forgotten, and counted again


@dataclass
class _Count:
    """What is known of one tenant."""

    open: int = 0
    since: int = 0
    """How many this gateway has let begin since."""

    at: float | None = None
    """When it was counted."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Executions:
    """Counts open executions, tenant by tenant; a limit of 0 is none."""

    def __init__(self, temporal: Temporal, attributes: RunAttributes, *, most: int) -> None:
        self._temporal = temporal
        self._attributes = attributes
        self._most = most
        self._counts: dict[str, _Count] = {}

    async def admit(self, run: PlannedRun) -> None:
        """Let a run begin; one that has begun, and is only sent again, is let through.

        Raises:
            TooManyExecutionsError: The tenant has as many open as it may.
        """
        if not self._most or run.workflow_type != EXECUTE_CODE:
            return
        count = self._of(run.tenant_id)
        async with count.lock:
            if self._is_due(count):
                await self._recount(run.tenant_id, count)
            full = count.open + count.since >= self._most
            count.since += not full
        if full and not await self._has_begun(run):
            raise TooManyExecutionsError(run.tenant_id, self._most)

    def _of(self, tenant_id: str) -> _Count:
        if tenant_id not in self._counts and len(self._counts) >= _MAX_TENANTS:
            del self._counts[next(iter(self._counts))]
        return self._counts.setdefault(tenant_id, _Count())

    def _is_due(self, count: _Count) -> bool:
        if count.at is None:
            return True
        is_many = count.open + count.since >= self._most or count.since * _PARTS >= self._most
        return is_many and time.monotonic() - count.at >= _LATE_S

    async def _recount(self, tenant_id: str, count: _Count) -> None:
        request = CountWorkflowExecutionsRequest(
            namespace=self._temporal.namespace,
            query=f"{TENANT_ATTRIBUTE.name} = {quoted(tenant_id)} AND "
            f"WorkflowType = {quoted(EXECUTE_CODE)} AND ExecutionStatus = 'Running'",
        )
        try:
            counted = await self._attributes.call(
                self._temporal.service.count_workflow_executions, request
            )
        except (
            GatewayError,
            RPCError,
        ):  # no bound is worth an outage: the start says what is wrong
            return
        count.open, count.since, count.at = counted.count, 0, time.monotonic()

    async def _has_begun(self, run: PlannedRun) -> bool:
        try:
            await describe(self._temporal, run.workflow_id)
        except RunNotFoundError:
            return False
        return True
