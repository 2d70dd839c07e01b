"""Modules that a gateway meets one by one; each has a workflow type and a life of its own."""

import os
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from contextcore import ContextUnit
from contextworker.core.process import run_module_worker
from contextworker.core.registry import ModuleConfig


class _Stranger:
    async def answer(self, unit: ContextUnit) -> ContextUnit:
        return unit.child({"by": workflow.info().workflow_type}, provenance="worker:stranger")


@workflow.defn(name="newcomer")
class Newcomer(_Stranger):
    """Comes after the gateway."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return await self.answer(unit)


@workflow.defn(name="sleeper")
class Sleeper(_Stranger):
    """Has no worker at first."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return await self.answer(unit)


@workflow.defn(name="unwatched")
class Unwatched(_Stranger):
    """Never has a worker, but followers."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return await self.answer(unit)


@workflow.defn(name="unserved")
class Unserved(_Stranger):
    """Never has a worker."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return await self.answer(unit)


@workflow.defn(name="awaited")
class Awaited(_Stranger):
    """Has runs before it has workers."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return await self.answer(unit)


@workflow.defn(name="operated")
class Operated(_Stranger):
    """Runs in a deployment that an operator named."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return await self.answer(unit)


@workflow.defn(name="contested")
class Contested(_Stranger):
    """Is claimed by two modules."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        return await self.answer(unit)


@activity.defn(name="report_pid")
async def report_pid() -> int:
    """Tell whose activity this is."""
    return os.getpid()


@workflow.defn(name="mortal")
class Mortal(_Stranger):
    """Has a worker that dies; it goes on with another."""

    def __init__(self) -> None:
        self._signalled = False

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run."""
        await workflow.execute_activity(
            report_pid,
            start_to_close_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(maximum_attempts=3),
        )
        await workflow.wait_condition(lambda: self._signalled)
        return await self.answer(unit)

    @workflow.signal
    def go_on(self) -> None:
        """Let it end."""
        self._signalled = True


newcomers = ModuleConfig(name="newcomers", workflows=[Newcomer], activities=[])
sleepers = ModuleConfig(name="sleepers", workflows=[Sleeper], activities=[])
unwatched = ModuleConfig(name="unwatched", workflows=[Unwatched], activities=[])
unserved = ModuleConfig(name="unserved", workflows=[Unserved], activities=[])
awaited = ModuleConfig(name="awaited", workflows=[Awaited], activities=[])
operated = ModuleConfig(name="operated", workflows=[Operated], activities=[])
claimants = [
    ModuleConfig(name=name, workflows=[Contested], activities=[])
    for name in ("claimant-a", "claimant-b")
]
mortals = ModuleConfig(name="mortals", workflows=[Mortal], activities=[report_pid])


if __name__ == "__main__":
    run_module_worker(mortals)
