"""A plain worker with temporalio's own defaults.

Only what decides how much runs at once is what a module's worker has: slots and pollers.
"""

import asyncio
import os
import signal

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from plain.messages import QUEUE, noop
from plain.workflows import PlainWorkflow


async def main() -> None:
    """Run the worker until a signal."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[PlainWorkflow],
        activities=[noop],
        max_concurrent_activities=20,
        max_concurrent_workflow_tasks=100,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    ):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
