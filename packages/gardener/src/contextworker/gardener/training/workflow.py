"""Train a task's model on what people decided, and use it if it is no worse."""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

from contextcore import ContextUnit
from contextworker.core.caller import MEMO_KEY, CallerRights
from contextworker.core.details import show_details
from contextworker.core.errors import PermanentError
from contextworker.core.messages import Progress
from contextworker.gardener.training.messages import (
    TrainActivities,
    TrainJob,
    TrainReport,
    TrainRequest,
    Used,
    UseJob,
)

_PATIENT: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
)
# A training that breaks off again and again, such as for lack of memory, does so for ever.
_SOME: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_attempts=6
)
_HEARTBEAT: Final = timedelta(seconds=6)
_TRAINING: Final = timedelta(hours=2)
_USING: Final = timedelta(minutes=5)


@workflow.defn(name="gardener_train")
class TrainWorkflow:
    """Trains one model, or brings an earlier one back."""

    def __init__(self) -> None:
        self._progress = Progress(stage="training", unit="folds")

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Train and compare, then use what is to be used."""
        request = TrainRequest.model_validate(unit.payload)
        job = TrainJob(request=request, subject=_caller().subject, at=workflow.now())
        report = await (self._bring_back(job) if request.use else self._train(job))
        return unit.child(report, provenance="worker:gardener:train")

    @workflow.query(name="progress")
    def progress(self) -> Progress:
        """Say what it does; the activity says how far it is."""
        return self._progress

    def _tell(self, stage: str, job: TrainJob) -> None:
        self._progress = Progress(stage=stage, unit="folds")
        show_details(self._progress, {"task": job.request.task})

    async def _train(self, job: TrainJob) -> TrainReport:
        self._tell("training", job)
        trained = await workflow.execute_activity_method(
            TrainActivities.train_model,
            job,
            start_to_close_timeout=_TRAINING,
            heartbeat_timeout=_HEARTBEAT,
            retry_policy=_SOME,
            summary=job.request.task,
        )
        if trained.candidate is None:
            return trained.report
        used = await self._use(UseJob(**dict(job), candidate=trained.candidate))
        return trained.report.model_copy(update={"reopened": used.reopened})

    async def _bring_back(self, job: TrainJob) -> TrainReport:
        used = await self._use(UseJob(**dict(job)))
        return TrainReport(
            task=job.request.task,
            replaced=True,
            reason=(
                "it was the current one already" if used.was_current else "it was brought back"
            ),
            version=used.version,
            examples=used.examples,
            scores=used.scores,
            before=None,
            reopened=used.reopened,
        )

    async def _use(self, job: UseJob) -> Used:
        self._tell("using the model", job)
        return await workflow.execute_activity_method(
            TrainActivities.use_model,
            job,
            start_to_close_timeout=_USING,
            schedule_to_close_timeout=timedelta(hours=1),
            heartbeat_timeout=_HEARTBEAT,
            retry_policy=_PATIENT,
            summary=job.request.task,
        )


def _caller() -> CallerRights:
    rights = workflow.memo_value(MEMO_KEY, default=None, type_hint=CallerRights)
    if rights is None:
        raise PermanentError(
            "nobody knows in whose name this trains; start it through the gateway, which says so"
        )
    return rights
