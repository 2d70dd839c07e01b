"""A module whose workflow sends one activity after another, and says who ran them."""

from datetime import timedelta

from temporalio import activity, workflow

from contextcore import ContextUnit

MOST = 300


@workflow.defn(name="errands")
class ErrandsWorkflow:
    """Answers with the names of the workers that ran its activities: of two, or of all of many."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Run them one by one, until another worker takes part: it may only just begin to poll."""
        names: list[str] = []
        while len(set(names)) < 2 and len(names) < MOST:
            names.append(
                await workflow.execute_activity(
                    "who", start_to_close_timeout=timedelta(minutes=1), result_type=str
                )
            )
        return unit.child({"names": names}, provenance="worker:errands")


class Errands:
    """The activity of one worker."""

    def __init__(self, name: str) -> None:
        self._name = name

    @activity.defn(name="who")
    async def who(self) -> str:
        """Name the worker."""
        return self._name
