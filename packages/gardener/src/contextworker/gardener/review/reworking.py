"""What follows from decided entries: the tasks that read them, the product's status, its edges."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from contextworker.brain.models import Edge, Enrichment, EnrichmentStatus, Product
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskEntry
from contextworker.gardener.enrichers.pipeline import Pipeline, Worked
from contextworker.gardener.enrichers.results import KgResult

_KG: Final = "kg"
_WORST_LAST: Final = list(ResultStatus)


def reworked(
    products: Sequence[Product],
    texts: Sequence[ProductText],
    decided: Sequence[Mapping[str, TaskEntry]],
    *,
    pipeline: Pipeline,
    at: datetime,
) -> list[Enrichment]:
    """Return each product's enrichment with the decided entries in place.

    Tasks that read what was decided are done again, as in any run; the others stay as they are.
    """
    before: list[dict[str, Any]] = [
        {
            **product.enrichment,
            **{task: entry.model_dump(mode="json") for task, entry in entries.items()},
        }
        for product, entries in zip(products, decided, strict=True)
    ]
    worked = pipeline.run(texts, before)
    return [
        _enrichment(product, entries, work, at)
        for product, entries, work in zip(products, before, worked, strict=True)
    ]


def _enrichment(
    product: Product, before: Mapping[str, Any], worked: Worked, at: datetime
) -> Enrichment:
    entries = {task: TaskEntry.model_validate(before[task]) for task in worked.kept} | {
        task: TaskEntry(**result.model_dump(), at=at, inputs=worked.inputs[task])
        for task, result in worked.results.items()
    }
    return Enrichment(
        product_id=product.product_id,
        content_hash=product.content_hash,
        status=_standing(entries),
        results={
            task: entry.model_dump(mode="json", exclude_none=True)
            for task, entry in entries.items()
        },
        edges=_edges(product.product_id, entries.get(_KG)),
    )


def _standing(entries: Mapping[str, TaskEntry]) -> EnrichmentStatus:
    statuses = {entry.status for entry in entries.values()}
    if ResultStatus.PENDING in statuses:
        return EnrichmentStatus.WAITING
    return EnrichmentStatus(max(statuses, key=_WORST_LAST.index).value)


def _edges(product_id: str, kg: TaskEntry | None) -> tuple[Edge, ...] | None:
    if kg is None:
        return None
    return tuple(
        Edge(
            product_id=product_id,
            relation=related.relation,
            target=related.target,
            name=related.name,
            confidence=kg.confidence,
        )
        for related in KgResult.model_validate(kg.result).relations
    )
