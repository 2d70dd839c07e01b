"""A span of each run of a workflow, and what it hands on to whatever it starts."""

import asyncio
import hashlib
import time
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NoReturn

from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from temporalio import workflow
from temporalio.worker import (
    ContinueAsNewInput,
    ExecuteWorkflowInput,
    HandleQueryInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle, ChildWorkflowHandle, ContinueAsNewError

from contextcore import ContextUnit
from contextworker.core.tracing.headers import HEADER, payload_of, read_headers
from contextworker.core.tracing.runs import CANCELLED, about, kind_of
from contextworker.core.tracing.spans import failed
from contextworker.core.tracing.tracer import find_tracer, start
from contextworker.core.tracing.units import start_in_trace, trace_number, within


class TracedWorkflow(WorkflowInboundInterceptor):
    """Surrounds workflows."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Surround what the workflow starts, too."""
        self._input: ExecuteWorkflowInput | None = None
        super().init(_Outbound(outbound, self))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - the SDK's name
        """Make a span of the run once it has ended."""
        self._input = input
        try:
            result = await super().execute_workflow(input)
        except (Exception, asyncio.CancelledError, ContinueAsNewError) as error:
            self._ended(error)
            raise
        self._ended(None)
        return result

    async def handle_query(self, input: HandleQueryInput) -> Any:  # noqa: A002 - the SDK's name
        """Make a span of the answer, in the trace of who asks."""
        tracer, parent = find_tracer(), read_headers(input.headers)
        if tracer is None or parent is None:
            return await super().handle_query(input)
        began = time.time_ns()
        try:
            return await super().handle_query(input)
        finally:
            info = workflow.info()
            with workflow.unsafe.sandbox_unrestricted():
                start(
                    tracer,
                    f"HandleQuery:{input.query}",
                    context=within(parent),
                    kind=SpanKind.SERVER,
                    attributes=about(info.workflow_type, info.workflow_id, info.task_queue),
                    start_time=began,
                ).end(time.time_ns())

    @cached_property
    def _parent(self) -> SpanContext | None:
        return read_headers(workflow.info().headers)

    def continued(self) -> SpanContext | None:
        """Return what the run that follows this one has for its parent: the same as this one."""
        context = self.context()
        if context and self._parent and self._parent.trace_id == context.trace_id:
            return self._parent
        return context

    def context(self) -> SpanContext | None:
        """Return the context of this run's span, which is there once the run has ended."""
        trace_id = self._trace_id()
        if not trace_id:
            return None
        flags = self._flags(trace_id)
        return SpanContext(trace_id, _span_id(), is_remote=True, trace_flags=flags)

    def _trace_id(self) -> int:
        # Asked for when it is needed: a scheduled run gets a unit of its own after this began.
        first = self._input.args[0] if self._input and self._input.args else None
        if isinstance(first, ContextUnit):
            return trace_number(first.trace_id)
        return self._parent.trace_id if self._parent else 0

    def _flags(self, trace_id: int) -> TraceFlags:
        if self._parent and self._parent.trace_id == trace_id:
            return self._parent.trace_flags
        sampler = getattr(find_tracer(), "sampler", None)
        if sampler is None:
            return TraceFlags(TraceFlags.SAMPLED)
        sampled = sampler.should_sample(None, trace_id, "").decision.is_sampled()
        return TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)

    def _ended(self, error: BaseException | None) -> None:
        """Tell of the run, unless it is only replayed or evicted, or is to be tried again."""
        tracer, trace_id = find_tracer(), self._trace_id()
        if tracer is None or not trace_id or workflow.unsafe.is_replaying():
            return
        ends = error is None or isinstance(error, (ContinueAsNewError, *CANCELLED))
        if not ends and not workflow.is_failure_exception(error):  # type: ignore[arg-type] # not None
            return
        info = workflow.info()
        with workflow.unsafe.sandbox_unrestricted():
            span = start_in_trace(
                tracer,
                f"RunWorkflow:{info.workflow_type}",
                trace_id,
                self._parent,
                span_id=_span_id(),
                kind=SpanKind.SERVER,
                attributes={
                    **about(info.workflow_type, info.workflow_id, info.task_queue),
                    "temporalWorkflowID": info.workflow_id,
                    "temporalRunID": info.run_id,
                    "contextworker.attempt": info.attempt,
                },
                start_time=_nanoseconds(info.start_time),
            )
            if error is not None and not isinstance(error, ContinueAsNewError):
                failed(span, error, kind=kind_of(error))
            span.end(time.time_ns())


class _Outbound(WorkflowOutboundInterceptor):
    def __init__(self, next: WorkflowOutboundInterceptor, inbound: TracedWorkflow) -> None:  # noqa: A002 - the SDK's name
        super().__init__(next)
        self._inbound = inbound

    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        _carry(input, self._inbound.context())
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        _carry(input, self._inbound.context())
        return super().start_local_activity(input)

    async def start_child_workflow(
        self,
        input: StartChildWorkflowInput,  # noqa: A002 - the SDK's name
    ) -> ChildWorkflowHandle[Any, Any]:
        _carry(input, self._inbound.context())
        return await super().start_child_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:  # noqa: A002 - the SDK's name
        _carry(input, self._inbound.continued())
        super().continue_as_new(input)


def _carry(
    outgoing: StartActivityInput
    | StartLocalActivityInput
    | StartChildWorkflowInput
    | ContinueAsNewInput,
    context: SpanContext | None,
) -> None:
    if context is not None:
        with workflow.unsafe.sandbox_unrestricted():
            outgoing.headers = {**outgoing.headers, HEADER: payload_of(context)}


def _span_id() -> int:
    """Return the id of a run's span: the same for every worker, and for every replay."""
    run_id = workflow.info().run_id.encode()
    return int.from_bytes(hashlib.blake2b(run_id, digest_size=8).digest()) or 1


def _nanoseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
