"""Show people the results in doubt, and store what they decide."""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

from contextcore import ContextUnit
from contextworker.core.caller import MEMO_KEY, CallerRights
from contextworker.core.errors import InvalidInputError, PermanentError
from contextworker.gardener.review.messages import (
    Action,
    Decision,
    ReviewActivities,
    ReviewPage,
    ReviewReport,
    ReviewRequest,
)

# A person waits for the answer: an outage is told to them rather than waited out.
_BRIEF: Final = RetryPolicy(
    initial_interval=timedelta(seconds=0.5),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=5),
)
_PATIENCE: Final = timedelta(minutes=2)
_ATTEMPT: Final = timedelta(seconds=60)
_HEARTBEAT: Final = timedelta(seconds=6)


@workflow.defn(name="gardener_review")
class ReviewWorkflow:
    """Lists results in review, or decides some of them in the name of whoever started it."""

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Do the one thing that is asked."""
        request = ReviewRequest.model_validate(unit.payload)
        answer = await (_list(request) if request.action is Action.LIST else _decide(request))
        return unit.child(answer, provenance="worker:gardener:review")


async def _list(request: ReviewRequest) -> ReviewPage:
    return await workflow.execute_activity_method(
        ReviewActivities.list_review,
        request,
        start_to_close_timeout=_ATTEMPT,
        schedule_to_close_timeout=_PATIENCE,
        heartbeat_timeout=_HEARTBEAT,
        retry_policy=_BRIEF,
        summary=request.tenant_id,
    )


async def _decide(request: ReviewRequest) -> ReviewReport:
    check(request)
    return await workflow.execute_activity_method(
        ReviewActivities.decide_review,
        Decision(request=request, subject=_caller().subject, at=workflow.now()),
        start_to_close_timeout=_ATTEMPT,
        schedule_to_close_timeout=_PATIENCE,
        heartbeat_timeout=_HEARTBEAT,
        retry_policy=_BRIEF,
        summary=f"{request.action.value} {request.task}",
    )


def check(request: ReviewRequest) -> None:
    """Refuse a decision that lacks a part, which no schema of one action can say.

    Raises:
        InvalidInputError: Says which part.
    """
    action = request.action.value
    if request.task is None:
        raise InvalidInputError(f"to {action} results, say whose: give `task`")
    if not request.product_ids:
        raise InvalidInputError(f"to {action} results, say of which products: give `product_ids`")
    if request.action is Action.CORRECT and not request.correction:
        raise InvalidInputError("to correct a result, say what is right: give `correction`")
    if request.action is not Action.CORRECT and request.correction is not None:
        raise InvalidInputError(f"`correction` belongs to the action `correct`, not to `{action}`")


def _caller() -> CallerRights:
    rights = workflow.memo_value(MEMO_KEY, default=None, type_hint=CallerRights)
    if rights is None:
        raise PermanentError(
            "nobody knows in whose name this decides; start it through the gateway, which says so"
        )
    return rights
