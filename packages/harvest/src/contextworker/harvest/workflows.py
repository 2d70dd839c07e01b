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
from contextworker.core.search_attributes import SUPPLIER_ATTRIBUTE, found_by
from contextworker.core.workflow_ids import WorkflowIdTemplate
from contextworker.harvest.messages import (
    ALL_SUPPLIERS,
    OWN_STORES_RETRY,
    REPLAY_SUFFIX,
    WORKFLOW_ID,
    Changes,
    FetchedFeeds,
    HarvestActivities,
    HarvestAllReport,
    HarvestEnd,
    HarvestPlan,
    HarvestReport,
    HarvestRequest,
    HarvestRun,
    HarvestStatus,
    Retry,
    SupplierOutcome,
    TransformedFeeds,
)
from contextworker.harvest.showing import Showing, of_feeds, of_hosts, of_rows

SHORT = timedelta(minutes=1)
SILENCE = timedelta(seconds=20)
"""Of a worker that is taken for dead, before the run's plan says otherwise."""
FETCH_LIMIT = timedelta(hours=2)
TRANSFORM_LIMIT = timedelta(hours=6)
SYNC_LIMIT = timedelta(hours=24)
FINISH_LIMIT = timedelta(minutes=10)
# When the run says that it was cancelled, nothing is being written any more.
WAIT_FOR_CANCEL = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED


@workflow.defn(name="harvest")
class HarvestWorkflow:
    """Fetch a supplier's feeds, turn their rows into products, store them."""

    def __init__(self) -> None:
        self._showing = Showing()
        self._fetched: FetchedFeeds | None = None
        self._silence = SILENCE

    @workflow.query(name="progress")
    def progress(self) -> Progress:
        """Tell the stage; the running activity's heartbeat tells the rows."""
        return self._showing.progress

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Harvest the unit's supplier; answers with a HarvestReport or a HarvestAllReport."""
        self._showing.tell(self._showing.progress)
        request = HarvestRequest.model_validate(unit.payload)
        if request.supplier_code == ALL_SUPPLIERS:
            everything = await self._harvest_all(unit, request)
            return unit.child(everything, provenance="worker:harvest")
        report = await self._harvest_one(request)
        return unit.child(report, provenance="worker:harvest")

    async def _harvest_one(self, request: HarvestRequest) -> HarvestReport:
        info = workflow.info()
        run_id = f"{info.workflow_id}/{info.first_execution_run_id}"
        run = HarvestRun(
            tenant_id=request.tenant_id,
            supplier_code=request.supplier_code,
            run_id=run_id + REPLAY_SUFFIX if request.replay_run_id else run_id,
            workflow_id=info.workflow_id,
            accept_removals=request.accept_removals,
            replay_run_id=request.replay_run_id,
        )
        try:
            report = await self._import(run)
        except (ActivityError, asyncio.CancelledError) as error:
            if _cancelled():
                why = "the harvest was cancelled"
                await self._finish(run, HarvestStatus.CANCELLED, error=why)
                raise asyncio.CancelledError from error
            if not isinstance(error, ActivityError):
                raise
            failure = _failure(error)
            await self._finish(run, HarvestStatus.FAILED, error=failure.message)
            raise failure from error
        await self._finish(run, report.status, report=report)
        self._showing.tell(Progress(stage="done", done=report.rows, total=report.rows))
        return report

    async def _import(self, run: HarvestRun) -> HarvestReport:
        started = workflow.now()
        plan = await workflow.execute_activity_method(
            HarvestActivities.start_harvest,
            run,
            start_to_close_timeout=SHORT,
            heartbeat_timeout=SILENCE,
            retry_policy=_policy(OWN_STORES_RETRY),
            summary=run.supplier_code,
        )
        silence = self._silence = timedelta(seconds=plan.heartbeat_timeout_s)
        fetched = self._fetched = await self._fetch(run, plan, silence)
        _stop_if_cancelled()
        if fetched.not_modified:
            return _report(fetched, None, workflow.now() - started)
        self._showing.tell(Progress(stage="transforming"), of_feeds(fetched))
        transformed = await workflow.execute_activity_method(
            HarvestActivities.transform_data,
            fetched,
            start_to_close_timeout=TRANSFORM_LIMIT,
            heartbeat_timeout=silence,
            retry_policy=_policy(plan.retries.transform),
            cancellation_type=WAIT_FOR_CANCEL,
            summary=f"replay {run.replay_run_id}"
            if run.replay_run_id
            else f"read {fetched.size:,} bytes",
        )
        _stop_if_cancelled()
        storing = Progress(stage="storing", total=transformed.to_store)
        self._showing.tell(storing, of_rows(transformed))
        await workflow.execute_activity_method(
            HarvestActivities.sync_to_brain,
            transformed,
            start_to_close_timeout=SYNC_LIMIT,
            heartbeat_timeout=silence,
            retry_policy=_policy(plan.retries.store),
            cancellation_type=WAIT_FOR_CANCEL,
            summary=f"store {transformed.inserted + transformed.updated:,} products, "
            f"{transformed.rejected:,} rejects; remove {transformed.removed:,} products",
        )
        return _report(fetched, transformed, workflow.now() - started)

    async def _fetch(self, run: HarvestRun, plan: HarvestPlan, silence: timedelta) -> FetchedFeeds:
        if run.replay_run_id is not None:
            return FetchedFeeds(run=run)
        return await workflow.execute_activity_method(
            HarvestActivities.fetch_products,
            run,
            start_to_close_timeout=FETCH_LIMIT,
            heartbeat_timeout=silence,
            retry_policy=_policy(plan.retries.fetch),
            cancellation_type=WAIT_FOR_CANCEL,
            summary=of_hosts(run, plan),
        )

    async def _finish(
        self,
        run: HarvestRun,
        status: HarvestStatus,
        *,
        report: HarvestReport | None = None,
        error: str | None = None,
    ) -> None:
        """Record the end. Should even that fail, the run's own outcome is what callers must see."""
        finishing = workflow.start_activity_method(
            HarvestActivities.finish_harvest,
            HarvestEnd(run=run, status=status, report=report, error=error, fetched=self._fetched),
            start_to_close_timeout=FINISH_LIMIT,
            heartbeat_timeout=self._silence,
            retry_policy=_policy(OWN_STORES_RETRY),
            cancellation_type=WAIT_FOR_CANCEL,
            summary=status.value,
        )
        try:
            await _to_its_end(finishing)
        except ActivityError:
            workflow.logger.exception("the end of run %s could not be recorded", run.run_id)

    async def _harvest_all(self, unit: ContextUnit, request: HarvestRequest) -> HarvestAllReport:
        try:
            listed = await workflow.execute_activity_method(
                HarvestActivities.list_suppliers,
                start_to_close_timeout=SHORT,
                heartbeat_timeout=SILENCE,
                retry_policy=_policy(OWN_STORES_RETRY),
                summary="list the suppliers",
            )
        except ActivityError as error:
            if _cancelled():
                raise
            raise _failure(error) from error
        total = len(listed.codes)
        if not total:
            raise PermanentError("there are no suppliers; add a supplier file for each")
        self._showing.tell_suppliers(0, total)
        slots = asyncio.Semaphore(listed.parallel)

        async def one(code: str) -> SupplierOutcome:
            async with slots:
                outcome = await _child(unit, request, code)
            done = self._showing.progress.done + 1
            self._showing.tell_suppliers(done, total, outcome.status)
            return outcome

        outcomes = await asyncio.gather(*(one(code) for code in listed.codes))
        self._showing.tell(Progress(stage="done", done=total, total=total, unit="suppliers"))
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
            static_summary=f"Harvest {code} for {request.tenant_id}",
            search_attributes=found_by({SUPPLIER_ATTRIBUTE: code}),
        )
        report = HarvestReport.model_validate(answer.payload)
        status = report.status
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
        not_modified=count[HarvestStatus.NOT_MODIFIED],
        failed=failed,
        already_running=count[HarvestStatus.ALREADY_RUNNING],
        suppliers=tuple(outcomes),
    )


def _report(
    fetched: FetchedFeeds, transformed: TransformedFeeds | None, took: timedelta
) -> HarvestReport:
    """Count what a harvest did; one of feeds that are as they were did nothing."""
    run = fetched.run
    done = transformed or Changes()
    return HarvestReport(
        run_id=run.run_id,
        supplier_code=run.supplier_code,
        status=HarvestStatus.COMPLETED if transformed else HarvestStatus.NOT_MODIFIED,
        feeds=len(fetched.feeds),
        rejected=done.rejected,
        bytes=fetched.size,
        duration_s=took.total_seconds(),
        **done.model_dump(include=set(Changes.model_fields)),
    )


async def _to_its_end(activity: workflow.ActivityHandle[None]) -> None:
    """Wait for an activity, whoever cancels meanwhile: it tells of what is done already."""
    while not activity.done():
        try:
            await asyncio.shield(activity)
        except asyncio.CancelledError:
            if activity.done():
                raise


def _cancelled() -> bool:
    return workflow.cancellation_reason() is not None


def _stop_if_cancelled() -> None:
    """Stop where a step ended by itself while the cancellation was on its way to it."""
    if _cancelled():
        raise asyncio.CancelledError


def _policy(retry: Retry) -> RetryPolicy:
    return RetryPolicy(
        initial_interval=timedelta(seconds=retry.initial_interval_s),
        backoff_coefficient=retry.backoff,
        maximum_interval=timedelta(seconds=max(retry.maximum_interval_s, retry.initial_interval_s)),
        maximum_attempts=retry.maximum_attempts,
    )


def _failure(error: ActivityError | ChildWorkflowError) -> ApplicationError:
    """Return what went wrong in the words and with the type of where it did."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return ApplicationError(cause.message, type=cause.type, non_retryable=True)
    sentence = cause.message if isinstance(cause, FailureError) else str(error)
    return ApplicationError(sentence, type=type(cause or error).__name__, non_retryable=True)
