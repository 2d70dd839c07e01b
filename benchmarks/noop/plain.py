"""The same workflow and activity on temporalio alone, with its own defaults.

Only what decides how much runs at once is what the module's worker has: slots and pollers.
"""

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

QUEUE = "plain-tasks"


@dataclass(frozen=True)
class Request:
    """Nothing to do, with a number."""

    workflow_type: str
    tenant_id: str
    number: int


@activity.defn(name="noop")
async def noop(request: Request) -> Request:
    """Do nothing."""
    return request


@workflow.defn(name="noop")
class PlainWorkflow:
    """A request in, one activity, a request out."""

    @workflow.run
    async def run(self, request: Request) -> Request:
        """Do nothing."""
        return await workflow.execute_activity(
            noop, request, start_to_close_timeout=timedelta(seconds=30)
        )


async def main() -> None:
    """Run the worker until it is killed."""
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    await Worker(
        client,
        task_queue=QUEUE,
        workflows=[PlainWorkflow],
        activities=[noop],
        max_concurrent_activities=20,
        max_concurrent_workflow_tasks=100,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    ).run()


if __name__ == "__main__":
    asyncio.run(main())
