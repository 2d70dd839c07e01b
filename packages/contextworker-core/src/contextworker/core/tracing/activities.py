"""A span of each attempt at an activity."""

from typing import Any

from opentelemetry.trace import SpanKind, use_span
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from contextworker.core.tracing.headers import read_headers
from contextworker.core.tracing.runs import about, kind_of
from contextworker.core.tracing.spans import failed
from contextworker.core.tracing.tracer import find_tracer, start
from contextworker.core.tracing.units import within


class TracedActivity(ActivityInboundInterceptor):
    """Surrounds activities."""

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        """Make a span of the attempt, in the trace that its workflow's header names."""
        tracer, parent = find_tracer(), read_headers(input.headers)
        if tracer is None or parent is None:
            return await super().execute_activity(input)
        info = activity.info()
        span = start(
            tracer,
            f"RunActivity:{info.activity_type}",
            context=within(parent),
            kind=SpanKind.SERVER,
            attributes={
                **about(info.workflow_type or "", info.workflow_id or "", info.task_queue),
                "temporalWorkflowID": info.workflow_id or "",
                "temporalRunID": info.workflow_run_id or "",
                "temporalActivityID": info.activity_id,
                "contextworker.attempt": info.attempt,
            },
        )
        with use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            try:
                return await super().execute_activity(input)
            except BaseException as error:
                failed(span, error, kind=kind_of(error))
                raise
