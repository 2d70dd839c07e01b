"""What the module's workflow is asked, and its activity."""

import random

from pydantic import Field
from temporalio import activity

from contextworker.core.errors import TransientError
from contextworker.core.messages import Message, RoutePayload


class SoakRequest(RoutePayload):
    """One of many runs."""

    number: int
    seed: int = 1
    one_in: int = Field(default=200, ge=1, description="Of so many activities one fails at first.")


class Step(Message):
    """One activity of a run."""

    number: int
    step: int
    seed: int
    one_in: int

    @property
    def fails(self) -> bool:
        """Whether its first attempt fails: the same ones with every run of the same seed."""
        chance = random.Random(f"{self.seed}/{self.number}/{self.step}")
        return chance.randrange(self.one_in) == 0


class StepReport(Message):
    """What an activity did."""

    attempt: int


@activity.defn(name="soak_step")
async def soak_step(step: Step) -> StepReport:
    """Do nothing; or fail, as what is away for a moment makes activities fail.

    Raises:
        TransientError: It is one that fails, and this is its first attempt.
    """
    attempt = activity.info().attempt
    if step.fails and attempt == 1:
        raise TransientError("what it needs is away for a moment")
    return StepReport(attempt=attempt)
