"""Import one supplier's catalogue into the Brain, or every supplier's."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from contextcore import ContextUnit
from contextworker.core.errors import PermanentError
from contextworker.core.messages import Progress
from contextworker.core.workflow_ids import WorkflowIdTemplate
from contextworker.harvest.messages import (
    ALL_SUPPLIERS,
    WORKFLOW_ID,
    HarvestActivities,
    HarvestAllReport,
    HarvestEnd,
    HarvestPlan,
    HarvestReport,
    HarvestRequest,
    HarvestRun,
    HarvestStatus,
    SupplierOutcome,
)

# Files, the object store and the Brain: about 25 minutes of patience with an outage.
OWN_STORES_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=1),
    maximum_attempts=30,
)
SHORT = timedelta(minutes=1)
FETCH_LIMIT = timedelta(hours=2)
TRANSFORM_LIMIT = timedelta(hours=6)
SYNC_LIMIT = timedelta(hours=24)
# When the run says that it was cancelled, nothing is being written any more.
WAIT_FOR_CANCEL = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


@workflow.defn(name="harvest")
class HarvestWorkflow:
    """Fetch a supplier's feeds, turn their rows into products, store them."""

    def __init__(self) -> None:
        self._progress = Progress(stage="fetching")

    @workflow.query(name="progress")
    def progress(self) -> Progress:
        """Tell the stage; the running activity's heartbeat tells the rows."""
        return self._progress

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Harvest the unit's supplier; answers with a HarvestReport or a HarvestAllReport."""
        request = HarvestRequest.model_validate(unit.payload)
        if request.supplier_code == ALL_SUPPLIERS:
            everything = await self._harvest_all(unit, request)
            return unit.child(everything, provenance="worker:harvest")
        report = await self._harvest_one(request)
        return unit.child(report, provenance="worker:harvest")

    async def _harvest_one(self, request: HarvestRequest) -> HarvestReport:
        info = workflow.info()
        run = HarvestRun(
            tenant_id=request.tenant_id,
            supplier_code=request.supplier_code,
            run_id=f"{info.workflow_id}/{info.first_execution_run_id}",
            workflow_id=info.workflow_id,
        )
        try:
            report = await self._import(run)
        except (ActivityError, asyncio.CancelledError) as error:
            if _cancelled():
                why = "the harvest was cancelled"
                await _finish(HarvestEnd(run=run, status=HarvestStatus.CANCELLED, error=why))
                raise asyncio.CancelledError from error
            if not isinstance(error, ActivityError):
                raise
            failure = _failure(error)
            await _finish(HarvestEnd(run=run, status=HarvestStatus.FAILED, error=failure.message))
            raise failure from error
        await _finish(HarvestEnd(run=run, status=HarvestStatus.COMPLETED, report=report))
        self._progress = Progress(stage="done", done=report.rows, total=report.rows)
        return report

    async def _import(self, run: HarvestRun) -> HarvestReport:
        started = workflow.now()
        plan = await workflow.execute_activity_method(
            HarvestActivities.start_harvest,
            run,
            start_to_close_timeout=SHORT,
            retry_policy=OWN_STORES_RETRY,
            summary=run.supplier_code,
        )
        silence = timedelta(seconds=plan.heartbeat_timeout_s)
        fetched = await workflow.execute_activity_method(
            HarvestActivities.fetch_products,
            run,
            start_to_close_timeout=FETCH_LIMIT,
            heartbeat_timeout=silence,
            retry_policy=_supplier_retry(plan),
            cancellation_type=WAIT_FOR_CANCEL,
            summary=f"fetch the feeds of {run.supplier_code}",
        )
        _stop_if_cancelled()
        size = sum(feed.raw.size for feed in fetched.feeds)
        self._progress = Progress(stage="transforming")
        transformed = await workflow.execute_activity_method(
            HarvestActivities.transform_data,
            fetched,
            start_to_close_timeout=TRANSFORM_LIMIT,
            heartbeat_timeout=silence,
            retry_policy=OWN_STORES_RETRY,
            cancellation_type=WAIT_FOR_CANCEL,
            summary=f"read {size:,} bytes",
        )
        _stop_if_cancelled()
        self._progress = Progress(stage="storing", total=transformed.rows)
        stored = await workflow.execute_activity_method(
            HarvestActivities.sync_to_brain,
            transformed,
            start_to_close_timeout=SYNC_LIMIT,
            heartbeat_timeout=silence,
            retry_policy=OWN_STORES_RETRY,
            cancellation_type=WAIT_FOR_CANCEL,
            summary=f"store {transformed.products:,} products, {transformed.rejected:,} rejects",
        )
        return HarvestReport(
            run_id=run.run_id,
            supplier_code=run.supplier_code,
            feeds=len(fetched.feeds),
            rows=transformed.rows,
            inserted=stored.inserted,
            updated=stored.updated,
            unchanged=stored.unchanged,
            rejected=transformed.rejected,
            rejected_by_reason=transformed.rejected_by_reason,
            duplicates=transformed.duplicates,
            bytes=size,
            duration_s=(workflow.now() - started).total_seconds(),
        )

    async def _harvest_all(self, unit: ContextUnit, request: HarvestRequest) -> HarvestAllReport:
        try:
            listed = await workflow.execute_activity_method(
                HarvestActivities.list_suppliers,
                start_to_close_timeout=SHORT,
                retry_policy=OWN_STORES_RETRY,
                summary="list the suppliers",
            )
        except ActivityError as error:
            if _cancelled():
                raise
            raise _failure(error) from error
        total = len(listed.codes)
        if not total:
            raise PermanentError("there are no suppliers; add a supplier file for each")
        self._progress = Progress(stage="harvesting", total=total, unit="suppliers")
        slots = asyncio.Semaphore(listed.parallel)

        async def one(code: str) -> SupplierOutcome:
            async with slots:
                outcome = await _child(unit, request, code)
            done = self._progress.done + 1
            self._progress = Progress(stage="harvesting", done=done, total=total, unit="suppliers")
            return outcome

        outcomes = await asyncio.gather(*(one(code) for code in listed.codes))
        self._progress = Progress(stage="done", done=total, total=total, unit="suppliers")
        return _summary(outcomes)


async def _child(unit: ContextUnit, request: HarvestRequest, code: str) -> SupplierOutcome:
    """Harvest one supplier of all; its failure is its own."""
    # The id a caller's own harvest of that supplier would have: one of them at a time.
    workflow_id = WorkflowIdTemplate.parse(WORKFLOW_ID).fill(
        {"tenant_id": request.tenant_id, "supplier_code": code}
    )
    payload = request.model_copy(update={"supplier_code": code})
    status, report, error = HarvestStatus.COMPLETED, None, None
    try:
        answer = await workflow.execute_child_workflow(
            HarvestWorkflow.run,
            unit.child(payload, provenance="worker:harvest:all"),
            id=workflow_id,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            static_summary=f"harvest {code}",
        )
        report = HarvestReport.model_validate(answer.payload)
    except WorkflowAlreadyStartedError:
        status = HarvestStatus.ALREADY_RUNNING
    except ChildWorkflowError as failure:
        cancelled = is_cancelled_exception(failure)
        status = HarvestStatus.CANCELLED if cancelled else HarvestStatus.FAILED
        error = _failure(failure).message
    return SupplierOutcome(
        supplier_code=code, workflow_id=workflow_id, status=status, report=report, error=error
    )


def _summary(outcomes: list[SupplierOutcome]) -> HarvestAllReport:
    """Count the outcomes; fails only where not one supplier was harvested or is being."""
    count = {
        status: sum(outcome.status is status for outcome in outcomes) for status in HarvestStatus
    }
    failed = count[HarvestStatus.FAILED] + count[HarvestStatus.CANCELLED]
    if failed == len(outcomes):
        reasons = "; ".join(f"{outcome.supplier_code}: {outcome.error}" for outcome in outcomes)
        raise PermanentError(f"no supplier could be harvested: {reasons}")
    return HarvestAllReport(
        completed=count[HarvestStatus.COMPLETED],
        failed=failed,
        already_running=count[HarvestStatus.ALREADY_RUNNING],
        suppliers=tuple(outcomes),
    )


async def _finish(end: HarvestEnd) -> None:
    """Record the end. Should even that fail, the run's own outcome is what callers must see."""
    try:
        await workflow.execute_activity_method(
            HarvestActivities.finish_harvest,
            end,
            start_to_close_timeout=SHORT,
            retry_policy=OWN_STORES_RETRY,
            cancellation_type=WAIT_FOR_CANCEL,
            summary=end.status.value,
        )
    except ActivityError:
        workflow.logger.exception("the end of run %s could not be recorded", end.run.run_id)


def _cancelled() -> bool:
    return workflow.cancellation_reason() is not None


def _stop_if_cancelled() -> None:
    """Stop where a step ended by itself while the cancellation was on its way to it."""
    if _cancelled():
        raise asyncio.CancelledError


def _supplier_retry(plan: HarvestPlan) -> RetryPolicy:
    return RetryPolicy(
        initial_interval=timedelta(seconds=plan.retry.initial_interval_s),
        backoff_coefficient=plan.retry.backoff,
        maximum_interval=timedelta(
            seconds=max(plan.retry.maximum_interval_s, plan.retry.initial_interval_s)
        ),
        maximum_attempts=plan.retry.maximum_attempts,
    )


def _failure(error: ActivityError | ChildWorkflowError) -> ApplicationError:
    """Return what went wrong in the words and with the type of where it did."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return ApplicationError(cause.message, type=cause.type, non_retryable=True)
    sentence = cause.message if isinstance(cause, FailureError) else str(error)
    return ApplicationError(sentence, type=type(cause or error).__name__, non_retryable=True)
