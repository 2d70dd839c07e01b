"""A module whose workflow sends one activity after another, and says who ran them."""

from datetime import timedelta

from temporalio import activity, workflow

from contextcore import ContextUnit

ERRANDS = 20


@workflow.defn(name="errands")
class ErrandsWorkflow:
    """Answers with the names of the workers that ran its activities."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run them one by one."""
        names = [
            await workflow.execute_activity(
                "who", start_to_close_timeout=timedelta(seconds=10), result_type=str
            )
            for _ in range(ERRANDS)
        ]
        return unit.child({"names": names}, provenance="worker:errands")


class Errands:
    """The activity of one worker."""

    def __init__(self, name: str) -> None:
        self._name = name

    @activity.defn(name="who")
    async def who(self) -> str:
        """Name the worker."""
        return self._name
