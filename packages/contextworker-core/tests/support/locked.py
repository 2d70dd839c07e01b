"""A run whose activity goes on from the heartbeat of the attempt before."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from contextcore import ContextUnit
from contextworker.core.errors import TransientError


@dataclass
class Door:
    """An activity that fails its first attempt after a heartbeat."""

    knocked: asyncio.Event = field(default_factory=asyncio.Event)

    @activity.defn(name="knock")
    async def knock(self, word: str) -> str:
        """Heartbeat and fail; answer with the heartbeat of the attempt before."""
        if not activity.info().heartbeat_details:
            activity.heartbeat(f"{word} once")
            self.knocked.set()
            raise TransientError("nobody is in")
        return str(activity.info().heartbeat_details[0])


@workflow.defn(name="locked")
class LockedWorkflow:
    """Knocks as often as it may."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Knock."""
        answer = await workflow.execute_activity(
            "knock",
            unit.payload["word"],
            start_to_close_timeout=timedelta(seconds=4),
            retry_policy=RetryPolicy(
                maximum_attempts=unit.payload["attempts"],
                # Time to stop the worker in, before it makes the second attempt.
                initial_interval=timedelta(seconds=5),
                backoff_coefficient=1,
            ),
            result_type=str,
        )
        return unit.child({"answer": answer}, provenance="worker:locked")
