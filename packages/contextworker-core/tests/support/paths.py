"""One workflow type whose code changed again and again, in ways that matter to open runs."""

from datetime import timedelta

from temporalio import activity, workflow

from contextcore import ContextUnit
from contextworker.core.registry import ModuleConfig

LIMIT = timedelta(seconds=30)


@activity.defn
async def pack(unit: ContextUnit) -> str:
    """Pack a parcel; refuses an empty one."""
    return str(unit.payload["parcel"])


@activity.defn
async def send(parcel: str) -> str:
    """Send it."""
    return f"{parcel} sent"


@activity.defn
async def insure(parcel: str) -> str:
    """Insure it."""
    return f"{parcel} insured"


@workflow.defn(name="parcel")
class Recorded:
    """Pack, then send: what runs recorded."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Send the unit's parcel."""
        parcel = await workflow.execute_activity(pack, unit, start_to_close_timeout=LIMIT)
        sent = await workflow.execute_activity(send, parcel, start_to_close_timeout=LIMIT)
        return unit.child({"parcel": sent}, provenance="worker:parcel")


@workflow.defn(name="parcel")
class Refactored:
    """The same path, written otherwise."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Send the unit's parcel."""
        step: str | ContextUnit = unit
        for name in ("pack", "send"):
            step = await workflow.execute_activity(
                name, step, start_to_close_timeout=LIMIT * 2, result_type=str
            )
        return unit.child({"parcel": str(step)}, provenance="worker:parcel")


@workflow.defn(name="parcel")
class Swapped:
    """Send, then pack."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Send the unit's parcel."""
        await workflow.execute_activity(send, "parcel", start_to_close_timeout=LIMIT)
        await workflow.execute_activity(pack, unit, start_to_close_timeout=LIMIT)
        return unit


@workflow.defn(name="parcel")
class Delayed:
    """A timer between the two."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Send the unit's parcel."""
        parcel = await workflow.execute_activity(pack, unit, start_to_close_timeout=LIMIT)
        await workflow.sleep(60)
        await workflow.execute_activity(send, parcel, start_to_close_timeout=LIMIT)
        return unit


@workflow.defn(name="parcel")
class Shortened:
    """Nothing is sent any more."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Pack the unit's parcel."""
        await workflow.execute_activity(pack, unit, start_to_close_timeout=LIMIT)
        return unit


@workflow.defn(name="parcel")
class Stuck:
    """Waits for a signal that no run of old will get."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Pack the unit's parcel."""
        await workflow.execute_activity(pack, unit, start_to_close_timeout=LIMIT)
        await workflow.wait_condition(lambda: False)
        return unit


@workflow.defn(name="parcel")
class Insured:
    """A third activity, which open runs have not heard of."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Send the unit's parcel."""
        parcel = await workflow.execute_activity(pack, unit, start_to_close_timeout=LIMIT)
        parcel = await workflow.execute_activity(insure, parcel, start_to_close_timeout=LIMIT)
        await workflow.execute_activity(send, parcel, start_to_close_timeout=LIMIT)
        return unit


@workflow.defn(name="parcel")
class Patched:
    """The third activity, for new runs only."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Send the unit's parcel."""
        parcel = await workflow.execute_activity(pack, unit, start_to_close_timeout=LIMIT)
        if workflow.patched("insure"):
            parcel = await workflow.execute_activity(insure, parcel, start_to_close_timeout=LIMIT)
        await workflow.execute_activity(send, parcel, start_to_close_timeout=LIMIT)
        return unit


@workflow.defn(name="parcel")
class OtherMessages:
    """What an activity answered is read as something else."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Send the unit's parcel."""
        await workflow.execute_activity("pack", unit, start_to_close_timeout=LIMIT, result_type=int)
        return unit


@workflow.defn(name="letter")
class Renamed:
    """The workflow type is gone."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Do nothing."""
        return unit


def module(workflow_class: type) -> ModuleConfig:
    """Make a module of one of them; its version is the core's."""
    return ModuleConfig(
        "parcel", [workflow_class], [pack, send, insure], package="contextworker-core"
    )
