"""Workflows that do each of the things a trace has to follow."""

from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from contextcore import ContextUnit

_SOON = timedelta(minutes=1)
_AGAIN = RetryPolicy(initial_interval=timedelta(milliseconds=10))


@activity.defn
async def step(what: str) -> str:
    """Do something: fail the first time, for one."""
    if what == "flaky" and activity.info().attempt == 1:
        raise ApplicationError("of s3cret", type="Flaky")
    if what == "broken":
        raise ApplicationError("of s3cret", type="Broken", non_retryable=True)
    return what


@activity.defn
def step_in_a_thread(what: str) -> str:
    """Do something, blocking."""
    return what


@workflow.defn(name="traced-toy")
class TracedToyWorkflow:
    """Does what its unit says."""

    def __init__(self) -> None:
        self._done = False

    @workflow.query
    def progress(self) -> str:
        """Tell."""
        return "on its way"

    @workflow.signal
    def finish(self) -> None:
        """End a wait."""
        self._done = True

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Take the steps, then end as told."""
        payload = unit.payload
        for what in payload.get("steps", []):
            await workflow.execute_activity(
                step, what, start_to_close_timeout=_SOON, retry_policy=_AGAIN
            )
        if "thread" in payload:
            await workflow.execute_activity(step_in_a_thread, "t", start_to_close_timeout=_SOON)
        if "local" in payload:
            await workflow.execute_local_activity(step, "l", start_to_close_timeout=_SOON)
        if "child" in payload:
            await workflow.execute_child_workflow(
                TracedToyWorkflow.run,
                unit.child({"steps": ["c"]}, provenance="worker:toy:child"),
                id=f"{workflow.info().workflow_id}-child",
            )
        if "wait" in payload:
            await workflow.wait_condition(lambda: self._done)
        if more := payload.get("runs", 0):
            workflow.continue_as_new(
                unit.child({**payload, "runs": more - 1}, provenance="worker:toy:next")
            )
        return unit.child({}, provenance="worker:toy")
