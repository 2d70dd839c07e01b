"""How far an open run is: its own answer, overlaid by what its activities reported since."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import QueryWorkflowRequest
from temporalio.converter import DataConverter
from temporalio.service import RPCError

from contextworker.core.messages import Progress, Step
from contextworker.core.tracing.headers import current_header
from contextworker.gateway.errors import GatewayError
from contextworker.gateway.temporal import UNREADABLE, Temporal

_QUERY = "progress"
_QUERY_TIMEOUT_S = 2.0
# So many of the latest steps, and of each so much, fit a reply whatever a run answers.
_MOST_STEPS = 500
_MOST_CHARACTERS = 500


async def query_progress(temporal: Temporal, run: WorkflowExecution) -> Progress | None:
    """Ask the run; None where it knows no such query, or no worker answers in time."""
    try:
        answer = await temporal.call(
            temporal.service.query_workflow,
            QueryWorkflowRequest(
                namespace=temporal.namespace,
                execution=run,
                query=WorkflowQuery(query_type=_QUERY, header=current_header()),
            ),
            at_most_s=_QUERY_TIMEOUT_S,
        )
    except (RPCError, GatewayError):
        return None
    return await _decoded(temporal.converter(run.workflow_id), answer.query_result)


async def heartbeat_progress(
    converter: DataConverter, activities: Iterable[PendingActivityInfo]
) -> Progress | None:
    """Return the latest Progress that an activity sent as the first detail of a heartbeat."""
    for activity in sorted(activities, key=_heartbeat_time, reverse=True):
        found = await _decoded(converter, activity.heartbeat_details)
        if found is not None:
            return found
    return None


def overlaid(stage: Progress | None, live: Progress | None) -> Progress | None:
    """Lay a heartbeat over the run's own answer, which may know the total and the steps."""
    if stage is None or live is None:
        return live or stage
    known = {"steps": stage.steps} if live.steps is None else {}
    if live.total is None and live.stage == stage.stage:
        return live.model_copy(update={"total": stage.total, **known})
    return live.model_copy(update=known)


def _heartbeat_time(activity: PendingActivityInfo) -> tuple[int, int]:
    return activity.last_heartbeat_time.seconds, activity.last_heartbeat_time.nanos


async def _decoded(converter: DataConverter, payloads: Payloads) -> Progress | None:
    if not payloads.payloads:
        return None
    try:
        [value] = await converter.decode(payloads.payloads[:1])
        return _progress(value)
    except UNREADABLE:  # another shape: that run reports no Progress
        return None


def _progress(value: Any) -> Progress | None:
    try:
        progress = Progress.model_validate(value)
    except ValidationError:
        return None
    if progress.steps is None:
        return progress
    return progress.model_copy(update={"steps": tuple(map(_shown, progress.steps[-_MOST_STEPS:]))})


def _shown(step: Step) -> Step:
    return Step(name=_clipped(step.name), status=step.status, detail=_clipped(step.detail))


def _clipped(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
