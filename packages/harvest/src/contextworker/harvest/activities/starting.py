"""One harvest of a supplier at a time, whatever its workflow is called."""

from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from contextworker.brain import Brain, RunRecord, RunStatus
from contextworker.core.errors import PermanentError, TransientError
from contextworker.harvest.messages import REPLAY_SUFFIX, HarvestRun

_LOOKED_AT = 20


async def refuse_second(brain: Brain, run: HarvestRun, own: RunRecord) -> None:
    """Refuse a run while another workflow harvests the same supplier.

    Runs of one workflow id never overlap, but a schedule's runs each have an id of their own. Of
    two that begin at the same moment the later one is refused, and the other waits for that.

    Raises:
        PermanentError: Another run began before this one, and goes on.
        TransientError: Another run that began after this one is not over yet.
    """
    records = await brain.list_runs(
        run.tenant_id, supplier_code=run.supplier_code, limit=_LOOKED_AT
    )
    for other in records:
        is_other = other.status is RunStatus.RUNNING and other.workflow_id != run.workflow_id
        if not is_other or not await _is_open(other):
            continue
        sentence = (
            f"the supplier {run.supplier_code} is being harvested by {other.workflow_id} already"
        )
        if (other.started_at, other.run_id) < (own.started_at, own.run_id):
            raise PermanentError(f"{sentence}; start it again when that has ended")
        raise TransientError(sentence)


async def _is_open(record: RunRecord) -> bool:
    """Ask Temporal: a run that was terminated stays `running` in the Brain."""
    run_id = record.run_id.removeprefix(f"{record.workflow_id}/").removesuffix(REPLAY_SUFFIX)
    handle = activity.client().get_workflow_handle(
        record.workflow_id, first_execution_run_id=run_id
    )
    try:
        description = await handle.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    # Another run of the same workflow id says so itself: the Brain has a record of it, too.
    return (
        description.status is WorkflowExecutionStatus.RUNNING
        and description.raw_description.workflow_execution_info.first_run_id in {"", run_id}
    )
