"""Pages of products with results in review."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from contextworker.brain.models import EnrichmentStatus, Product
from contextworker.brain.protocol import Brain
from contextworker.gardener.enrichers.base import ResultStatus
from contextworker.gardener.review.messages import ReviewItem, ReviewPage, ReviewRequest, Task

TASKS: Final[tuple[str, ...]] = get_args(Task)
_DESCRIPTION: Final = 300


async def review_page(brain: Brain, request: ReviewRequest) -> ReviewPage:
    """Return the results in review of the next products, in the order of their ids.

    Products that wait for the gardener are left out: their results are of what they were.
    """
    tasks = [request.task] if request.task else TASKS
    items: list[ReviewItem] = []
    shown, after = 0, request.after
    while True:
        wanted = request.limit - shown
        page = await _products(brain, request, tasks, after=after, limit=wanted)
        ready = [item for item in page if item.enrichment_status is not EnrichmentStatus.PENDING]
        items += [item for product in ready for item in _items(product, tasks)]
        shown += len(ready)
        if len(page) < wanted:
            return ReviewPage(items=tuple(items), next=None)
        after = page[-1].product_id
        if shown == request.limit:
            more = await _products(brain, request, tasks, after=after, limit=1)
            return ReviewPage(items=tuple(items), next=after if more else None)


async def _products(
    brain: Brain, request: ReviewRequest, tasks: Sequence[str], *, after: str | None, limit: int
) -> list[Product]:
    """Return the next products where any of the tasks is in review."""
    found: dict[str, Product] = {}
    for task in tasks:
        page = await brain.list_products(
            request.tenant_id,
            limit=limit,
            after=after,
            dealer_code=request.supplier_code,
            enrichment_status=EnrichmentStatus.REVIEW,
            task=task,
        )
        found |= {product.product_id: product for product in page}
    return [found[key] for key in sorted(found)[:limit]]


def _items(product: Product, tasks: Sequence[str]) -> list[ReviewItem]:
    entries = {task: product.enrichment.get(task) for task in tasks}
    return [
        _item(product, task, entry)
        for task, entry in entries.items()
        if isinstance(entry, Mapping) and entry.get("status") == ResultStatus.REVIEW
    ]


def _item(product: Product, task: str, entry: Mapping[str, Any]) -> ReviewItem:
    return ReviewItem(
        product_id=product.product_id,
        task=task,
        sku=product.sku,
        supplier_code=product.dealer_code,
        name=product.name,
        category=product.category or "",
        brand_name=product.brand_name or "",
        description=(product.description or "")[:_DESCRIPTION],
        url=product.url or "",
        result=dict(entry.get("result") or {}),
        confidence=entry.get("confidence") or 0,
        source=entry.get("source") or "",
        reason=entry.get("reason") or "",
        at=entry.get("at"),
    )
