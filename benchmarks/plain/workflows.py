"""The plain workflow."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from plain.messages import Request, noop


@workflow.defn(name="noop")
class PlainWorkflow:
    """A request in, one activity, a request out."""

    @workflow.run
    async def run(self, request: Request) -> Request:
        """Do nothing."""
        return await workflow.execute_activity(
            noop, request, start_to_close_timeout=timedelta(seconds=30)
        )
