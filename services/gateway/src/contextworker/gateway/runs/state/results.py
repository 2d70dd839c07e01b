"""How a closed run ended: its result, or the failure that ended it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from contextcore import ContextUnit, UnitError
from contextworker.gateway.runs.history import close_event
from contextworker.gateway.runs.state.cancel_reason import cancel_reason
from contextworker.gateway.runs.state.failures import TaskError, closed_run_error, decoded
from contextworker.gateway.settings import MAX_ENVELOPE_BYTES, MAX_REPLY_BYTES
from contextworker.gateway.temporal import UNREADABLE, Temporal

# Of a reply, besides the result: the envelope, and the status around it.
_BESIDES_BYTES = MAX_ENVELOPE_BYTES + 64 * 1024
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """What a closed run left; `reason` where a person needs a word on it."""

    has_result: bool = False
    result: Any = None
    readers: Sequence[str] | None = None
    """The scopes that the result's unit asks of its readers; None where it is no unit."""

    error: TaskError | None = None
    reason: str | None = None


async def read_outcome(temporal: Temporal, run: WorkflowExecution) -> Outcome:
    """Tell what a closed run left."""
    return await outcome_of(temporal, run, await close_event(temporal, run))


async def outcome_of(temporal: Temporal, run: WorkflowExecution, event: HistoryEvent) -> Outcome:
    """Read a closed run's last event."""
    converter = temporal.converter(run.workflow_id)
    match event.WhichOneof("attributes"):
        case "workflow_execution_completed_event_attributes":
            return await _result(
                converter, event.workflow_execution_completed_event_attributes.result
            )
        case "workflow_execution_failed_event_attributes":
            return await _failure(
                converter, event.workflow_execution_failed_event_attributes.failure
            )
        case "workflow_execution_terminated_event_attributes":
            why = event.workflow_execution_terminated_event_attributes.reason
            return Outcome(reason=f"the run was terminated: {why or 'no reason given'}")
        case "workflow_execution_timed_out_event_attributes":
            error = TaskError(
                type="TimeoutError",
                message="the run took longer than it may",
                will_retry=False,
            )
            return Outcome(error=error)
        case "workflow_execution_canceled_event_attributes":
            why = await cancel_reason(temporal, run)
            return Outcome(
                reason=f"the run was cancelled: {why}" if why else "the run was cancelled"
            )
    return Outcome()


async def _result(converter: DataConverter, payloads: Payloads) -> Outcome:
    try:
        values = await converter.decode(payloads.payloads[:1])
    except UNREADABLE as error:
        return Outcome(reason=f"the run completed, but its result cannot be read: {error}")
    value = values[0] if values else None
    result, readers = value, None
    if isinstance(value, ContextUnit):
        result, readers = value.payload, value.security.read
    try:
        size = ContextUnit(payload={"result": result}).to_protobuf().ByteSize()
    except UnitError as error:
        return Outcome(reason=f"the run completed, but its result does not fit a unit: {error}")
    if size > MAX_REPLY_BYTES - _BESIDES_BYTES:
        return Outcome(
            reason=f"the run completed, but its result of {size / _MIB:.1f} MiB is more than a "
            f"reply of {MAX_REPLY_BYTES // _MIB} MiB can hold; Temporal keeps it"
        )
    return Outcome(has_result=True, result=result, readers=readers)


async def _failure(converter: DataConverter, failure: Failure) -> Outcome:
    return Outcome(error=closed_run_error(await decoded(converter, failure)))
