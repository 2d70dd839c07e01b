"""Enrich a tenant's pending products, batch by batch, until none is pending."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from contextcore import ContextUnit, UnitMetrics
from contextworker.core.details import show_details
from contextworker.core.messages import Progress
from contextworker.core.metrics.gardener import COST_LIMITS, Limit, Reached
from contextworker.gardener.enriching.budget import Budget
from contextworker.gardener.enriching.hands import Ended, Hands
from contextworker.gardener.enriching.messages import (
    AskRequest,
    BatchRequest,
    Carried,
    GardenerActivities,
    GardenerReport,
    GardenerRun,
    Outcome,
    Scope,
    Settled,
    Totals,
    Waiting,
)

BATCHES_PER_RUN = 250
"""A batch is some six history events: well below the server's limits, and quick to replay."""
MAX_IDLE_ROUNDS = 2
"""So often may every batch in hand store nothing, because products change faster than that."""
NEAR_LIMIT = 0.8
"""Of the cost limit: an operator hears of a run that has spent so much of it."""
NOTHING = Waiting(pending=0, waiting=0)
MOST_TOKENS = 2**31 - 1
"""That a unit's metrics can say."""

# The Brain or the object store may be away for a while; what would fail the same way again is
# raised as a permanent error and not retried at all.
PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
)

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")


@workflow.defn(name="gardener")
class GardenerWorkflow:
    """Keeps some batches in hand; what stays in doubt goes to the language model, if any."""

    def __init__(self) -> None:
        self._request = GardenerRun()
        self._totals = Totals()
        self._limit_usd = 0.0
        self._begun = 0
        self._progress: Callable[[], Progress] = lambda: Progress(
            stage="enriching", unit="products"
        )

    @workflow.run
    async def run(self, unit: ContextUnit) -> ContextUnit:
        """Enrich until nothing waits, or a limit is reached, or batches come to nothing."""
        self._request = GardenerRun.model_validate(unit.payload)
        carried = self._request.so_far or await self._gather()
        self._totals = carried.totals
        self._limit_usd = unit.metrics.cost_limit_usd
        outcome = await self._work(unit, carried)
        if outcome is Outcome.COST_LIMIT:
            self._count_limit(Reached.LIMIT)
        left = NOTHING if outcome is Outcome.NOTHING_PENDING else await self._count()
        spent = self._totals.spent
        report = GardenerReport(
            outcome=outcome,
            products=self._totals.products,
            tokens=spent.tokens,
            cost_usd=spent.cost_usd,
            remaining=left.pending,
            waiting=left.waiting,
            **self._totals.model_dump(exclude={"stored", "spent", "idle"}),
        )
        metrics = UnitMetrics(
            tokens_used=min(spent.tokens, MOST_TOKENS),
            cost_usd=spent.cost_usd,
            cost_limit_usd=unit.metrics.cost_limit_usd,
        )
        return unit.child(report, provenance="worker:gardener", metrics=metrics)

    @workflow.query(name="progress")
    def progress(self) -> Progress:
        """Say how many products are done, of how many."""
        return self._progress()

    async def _gather(self) -> Carried:
        knowledge = await _step(
            GardenerActivities.gather_knowledge, self._scope, summary=self._request.tenant_id
        )
        waiting = await self._count()
        return Carried(totals=Totals(), knowledge=knowledge, expected=waiting.pending)

    async def _work(self, unit: ContextUnit, carried: Carried) -> Outcome:
        """Enrich what is pending, then ask about what waits, and again while products changed."""
        while True:
            outcome = await self._enrich_pending(unit, carried)
            changed = self._totals.changed
            if outcome is Outcome.NOTHING_PENDING and carried.knowledge.asks:
                outcome = await self._ask_waiting(unit, carried)
            if outcome is not Outcome.NOTHING_PENDING or self._totals.changed == changed:
                return outcome

    async def _enrich_pending(self, unit: ContextUnit, carried: Carried) -> Outcome:
        knowledge, size = carried.knowledge, self._request.batch_size

        def progress() -> Progress:
            done, expected = self._totals.stored, carried.expected
            total = None if expected is None else max(expected, done)
            return Progress(stage="enriching", done=done, total=total, unit="products")

        async def begin() -> Settled:
            return await _step(
                GardenerActivities.enrich_batch,
                BatchRequest(
                    **self._scope.model_dump(),
                    claim_id=self._next_claim(),
                    batch_size=size,
                    knowledge=knowledge,
                ),
                summary=f"batch {self._totals.batches + 1}",
            )

        self._progress = progress
        self._show()
        hands = Hands(
            begin=begin,
            settled=self._settled,
            may_begin=self._may_begin,
            at_once=self._request.parallel,
            batch_size=size,
            lease=timedelta(seconds=knowledge.lease_s),
        )
        left = None if carried.expected is None else carried.expected - self._totals.stored
        return self._outcome(
            await hands.work(drained=left is not None and left <= size), unit, carried
        )

    async def _ask_waiting(self, unit: ContextUnit, carried: Carried) -> Outcome:
        knowledge, waiting = carried.knowledge, (await self._count()).waiting
        if waiting == 0:
            return Outcome.NOTHING_PENDING
        budget = Budget(
            unit.metrics.cost_limit_usd,
            self._totals.spent,
            at_once=self._request.parallel,
            most_usd=knowledge.most_usd,
        )
        before = self._totals.products

        def progress() -> Progress:
            done = self._totals.products - before
            total = None if waiting is None else max(waiting, done)
            return Progress(stage="asking", done=done, total=total, unit="products")

        async def begin() -> Settled:
            claim_id = self._next_claim()
            with budget.share() as share:
                request = AskRequest(
                    **self._scope.model_dump(),
                    claim_id=claim_id,
                    batch_size=knowledge.asks,
                    knowledge=knowledge,
                    budget_usd=share.usd,
                )
                settled = await _step(
                    GardenerActivities.ask_llm,
                    request,
                    summary=f"batch {self._totals.batches + 1}",
                )
                share.settled(settled)
                return settled

        def may_begin(in_hand: int) -> bool:
            return budget.allows(in_hand) and self._may_begin(in_hand)

        self._progress = progress
        self._show()
        hands = Hands(
            begin=begin,
            settled=self._settled,
            may_begin=may_begin,
            at_once=self._request.parallel,
            batch_size=knowledge.asks,
            lease=timedelta(seconds=knowledge.lease_s),
        )
        ended = await hands.work(drained=waiting is not None and waiting <= knowledge.asks)
        if ended is Ended.STOPPED and budget.is_spent:
            return Outcome.COST_LIMIT
        return self._outcome(ended, unit, carried)

    def _may_begin(self, in_hand: int) -> bool:
        most = self._request.max_batches
        return (
            not self._is_idle
            and not self._is_long(in_hand)
            and (most is None or self._totals.batches + in_hand < most)
        )

    def _outcome(self, ended: Ended, unit: ContextUnit, carried: Carried) -> Outcome:
        """Say why a stage ended; or go on in a new run, where it only was long."""
        most = self._request.max_batches
        if ended is Ended.EMPTY:
            return Outcome.NOTHING_PENDING
        if most is not None and self._totals.batches >= most:
            return Outcome.MAX_BATCHES
        if ended is Ended.HELD or self._is_idle:
            return Outcome.NO_PROGRESS
        return self._continue_as_new(unit, carried)

    @property
    def _is_idle(self) -> bool:
        return self._totals.idle >= MAX_IDLE_ROUNDS * self._request.parallel

    def _is_long(self, in_hand: int) -> bool:
        """Tell whether this run's history is; one batch at least is done in each."""
        return self._begun >= BATCHES_PER_RUN or (
            self._begun > in_hand and workflow.info().is_continue_as_new_suggested()
        )

    def _continue_as_new(self, unit: ContextUnit, carried: Carried) -> NoReturn:
        # The same unit with what is known in its payload: a run continued is the same request, so
        # its id and provenance stay.
        so_far = carried.model_copy(update={"totals": self._totals})
        payload = {**unit.payload, "so_far": so_far.model_dump(mode="json")}
        workflow.continue_as_new(unit.model_copy(update={"payload": payload}))

    def _settled(self, settled: Settled) -> None:
        before = self._totals.spent.cost_usd
        self._totals = self._totals.plus(settled)
        near_usd = self._limit_usd * NEAR_LIMIT
        if before < near_usd <= self._totals.spent.cost_usd:
            self._count_limit(Reached.NEAR)
        self._show()

    def _count_limit(self, reached: Reached) -> None:
        if not workflow.unsafe.is_replaying():
            COST_LIMITS.add(1, Limit(self._request.tenant_id, reached))

    def _show(self) -> None:
        totals, spent = self._totals, self._totals.spent
        counts = {
            "batches": totals.batches,
            "products": totals.products,
            **totals.by_status,
            "changed meanwhile": totals.changed,
            "tokens": spent.tokens or None,
            "cost": f"{spent.cost_usd:.4f} USD" if spent.cost_usd else None,
        }
        show_details(self._progress(), counts)

    def _next_claim(self) -> str:
        """Name a claim: the same for every attempt at a batch, and of no other batch."""
        self._begun += 1
        return f"{workflow.info().run_id}/{self._begun}"

    async def _count(self) -> Waiting:
        return await _step(
            GardenerActivities.count_waiting, self._scope, summary=self._request.tenant_id
        )

    @property
    def _scope(self) -> Scope:
        request = self._request
        return Scope(
            tenant_id=request.tenant_id, supplier_code=request.supplier_code, again=request.again
        )


async def _step(
    method: Callable[[GardenerActivities, Argument], Coroutine[Any, Any, Answer]],
    argument: Argument,
    *,
    summary: str,
) -> Answer:
    """Run one activity. A lost worker is noticed by its heartbeat, a stuck one by its time."""
    return await workflow.execute_activity_method(
        method,
        argument,
        start_to_close_timeout=timedelta(minutes=15),
        schedule_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=timedelta(seconds=6),
        retry_policy=PATIENT,
        # So that a cancelled run's claims are let go by the time it says that it is cancelled.
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )
