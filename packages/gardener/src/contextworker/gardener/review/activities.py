"""The activities of human review: the Brain, and what follows from a decision."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from temporalio import activity

from contextworker.brain.models import Example, Product
from contextworker.brain.protocol import Brain
from contextworker.core.errors import InvalidInputError
from contextworker.core.heartbeats import beating
from contextworker.core.metrics.gardener import REVIEWED, Reviewed
from contextworker.core.registry import Activity
from contextworker.gardener.enrichers.base import ProductText, TaskEntry
from contextworker.gardener.enrichers.configuration import Configuration
from contextworker.gardener.enrichers.pipeline import Pipeline
from contextworker.gardener.enriching.entries import product_text
from contextworker.gardener.review.corrections import Terms
from contextworker.gardener.review.deciding import PassedOverError, decided_entry
from contextworker.gardener.review.listing import review_page
from contextworker.gardener.review.messages import (
    Action,
    Decided,
    Decision,
    ReviewActivities,
    ReviewPage,
    ReviewReport,
    ReviewRequest,
)
from contextworker.gardener.review.reworking import reworked

PipelineOf = Callable[[str], Awaitable[Pipeline]]
"""Returns a tenant's pipeline by what is known of it now."""


_UNKNOWN: Final = "unknown: the tenant has no such product"
_LOOKS: Final = 5
"""At a product that others write to at the same time."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A product, and what was decided of it."""

    product: Product
    text: ProductText
    entry: TaskEntry


class Reviewing(ReviewActivities):
    """Lists results in review, and stores what people decide."""

    def __init__(self, brain: Brain, configuration: Configuration, pipeline_of: PipelineOf) -> None:
        self._brain = brain
        self._configuration = configuration
        self._pipeline_of = pipeline_of

    @property
    def all(self) -> tuple[Activity, ...]:
        """Every activity of reviews."""
        return (self.list_review, self.decide_review)

    @activity.defn(name="list_review")
    async def list_review(self, request: ReviewRequest) -> ReviewPage:
        """Find results in review. Safe to retry: it only reads."""
        async with beating():
            return await review_page(self._brain, request)

    @activity.defn(name="decide_review")
    async def decide_review(self, decision: Decision) -> ReviewReport:
        """Store what somebody decided, product by product.

        Safe to retry: who decided and when is part of the decision, so that it finds what an
        attempt before it has stored, and stores the same again.
        """
        tenant_id, task = decision.request.tenant_id, str(decision.request.task)
        tasks = self._configuration.of(tenant_id).tasks
        if task not in tasks:
            raise InvalidInputError(
                f"{task} is none of the tasks of {tenant_id}: {', '.join(tasks)}"
            )
        async with beating():
            return await self._decide(decision, task)

    async def _decide(self, decision: Decision, task: str) -> ReviewReport:
        request = decision.request
        asked = list(dict.fromkeys(request.product_ids))
        terms = await asyncio.to_thread(self._terms, request.tenant_id)
        told = {key: Decided(product_id=key, decided=False, message=_UNKNOWN) for key in asked}
        open_ones = asked
        for _ in range(_LOOKS):
            taken: list[_Taken] = []
            for product in await self._brain.get_products(request.tenant_id, open_ones):
                text = product_text(product)
                try:
                    entry = decided_entry(product, text, decision, terms=terms)
                except PassedOverError as passed_over:
                    told[product.product_id] = _kept(product, task, str(passed_over))
                else:
                    taken.append(_Taken(product, text, entry))
            stored = await self._store(decision, task, taken)
            told |= stored
            # Somebody wrote to these between the look and the write.
            open_ones = [key for key, one in stored.items() if not one.decided]
            if not open_ones:
                break
        outcome = tuple(told[key] for key in asked)
        decided = sum(one.decided for one in outcome)
        REVIEWED.add(decided, Reviewed(request.tenant_id, task, request.action))
        return ReviewReport(
            task=task,
            action=request.action,
            decided=decided,
            products=outcome,
        )

    def _terms(self, tenant_id: str) -> Terms:
        configuration = self._configuration
        return Terms(configuration.taxonomy(tenant_id), configuration.vocabulary(tenant_id))

    async def _store(
        self, decision: Decision, task: str, taken: list[_Taken]
    ) -> dict[str, Decided]:
        if not taken:
            return {}
        tenant_id = decision.request.tenant_id
        work = partial(
            reworked,
            [one.product for one in taken],
            [one.text for one in taken],
            [{task: one.entry} for one in taken],
            pipeline=await self._pipeline_of(tenant_id),
            at=decision.at,
        )
        enrichments = await asyncio.to_thread(work)
        stored = await self._brain.store_enrichment(
            tenant_id,
            enrichments,
            examples=[
                _example(one, decision, task)
                for one in taken
                if decision.request.action is not Action.REJECT
            ],
        )
        return {
            one.product.product_id: Decided(
                product_id=one.product.product_id,
                decided=True,
                status=enrichment.status.value,
                result=one.entry.result,
            )
            if one.product.product_id in stored
            else _kept(one.product, task, "it changed just now; look at it again")
            for one, enrichment in zip(taken, enrichments, strict=True)
        }


def example_id(task: str, product_id: str) -> str:
    """Return the id of what a person says of a product: a second decision replaces the first."""
    return hashlib.sha256(f"{task}\0{product_id}".encode()).hexdigest()[:32]


def label_of(task: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decided result as what a model of the task is to answer.

    Whoever decided a name has seen its brand and its model: one that is not there is known to be
    absent, which null says.
    """
    known: dict[str, Any] = {"brand": None, "model": None} if task == "ner" else {}
    return known | dict(result)


def _example(taken: _Taken, decision: Decision, task: str) -> Example:
    return Example(
        example_id=example_id(task, taken.product.product_id),
        task=task,
        product_id=taken.product.product_id,
        text=taken.text.model_dump(mode="json"),
        label=label_of(task, taken.entry.result),
        decided_by=decision.subject,
        decided_at=decision.at,
    )


def _kept(product: Product, task: str, message: str) -> Decided:
    entry = product.enrichment.get(task)
    result = entry.get("result") if isinstance(entry, dict) else None
    return Decided(
        product_id=product.product_id,
        decided=False,
        message=message,
        status=product.enrichment_status.value,
        result=result or {},
    )
