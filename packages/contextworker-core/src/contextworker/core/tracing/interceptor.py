"""Spans of workflows, and of activities: one for each run, and for each attempt.

Temporal's own interceptors are not used: one marks a workflow by spans without a duration, the
other takes ids from the workflow's random numbers; both write errors with their values, and begin
traces of their own where nobody began one. Here the trace is the unit's, and a workflow's span has
an id that follows from its run, so whichever worker ends the run can tell of it, once.
"""

from temporalio.worker import (
    ActivityInboundInterceptor,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from contextworker.core.tracing.activities import TracedActivity
from contextworker.core.tracing.tracer import exports
from contextworker.core.tracing.workflows import TracedWorkflow


def interceptors() -> list[Interceptor]:
    """Return what a process's client needs to trace its workers; nothing where it does not."""
    return [TracingInterceptor()] if exports() else []


class TracingInterceptor(Interceptor):
    """Makes a span of each workflow run, query and attempt at an activity, in the unit's trace."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """Surround activities."""
        return TracedActivity(next)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        """Surround workflows."""
        return TracedWorkflow
