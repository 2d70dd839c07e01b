"""Schedules as tests register them: for a tenant of their own, and quiet until they are fired."""

import uuid
from typing import Any

from gateway_calls import Caller, until

NEVER_SOON = "0 0 29 2 *"


class Tenant:
    """One tenant's schedules, through a gateway."""

    def __init__(self, caller: Caller, tenant_id: str | None = None) -> None:
        self.caller = caller
        self.id = tenant_id or f"t{uuid.uuid4().hex[:8]}"

    async def register(self, *schedules: dict[str, Any]) -> dict[str, Any]:
        """Register a set."""
        return await self.ask("RegisterSchedules", schedules=list(schedules))

    async def ask(self, rpc: str, **payload: Any) -> dict[str, Any]:
        """Make a call about this tenant."""
        return await self.caller.ask(rpc, {"tenant_id": self.id, **payload})

    async def schedules(self, count: int = 1) -> list[dict[str, Any]]:
        """List so many schedules, by id: Temporal lists a new one a moment late."""
        page = await until(
            lambda: self.ask("ListSchedules"), lambda page: len(page["schedules"]) == count
        )
        return sorted(page["schedules"], key=lambda one: str(one["schedule_id"]))

    async def schedule(self) -> dict[str, Any]:
        """Return the only schedule as it is listed."""
        [one] = await self.schedules()
        return one


def definition(schedule_id: str = "nightly", **more: Any) -> dict[str, Any]:
    """Define a schedule of toy runs that end at once."""
    return {
        "schedule_id": schedule_id,
        "workflow_type": "toy",
        "cron": NEVER_SOON,
        "payload": {"supplier_code": "done"},
        **more,
    }
