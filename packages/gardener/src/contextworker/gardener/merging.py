"""Merge what every task found out about a product into one enrichment."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from contextworker.brain.models import Enrichment, EnrichmentStatus
from contextworker.core.errors import PermanentError
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.messages import StatusCounts, Stored

Signature = tuple[tuple[str, ResultStatus], ...]
"""The status of every task: what the counts of a report are made of."""
_WORST_LAST = list(ResultStatus)


def merge(
    products: Sequence[ProductText], results: Mapping[str, Sequence[TaskResult]]
) -> dict[Signature, list[Enrichment]]:
    """Return each product's enrichment, grouped by what its tasks came to.

    A product stands as its worst task does: an error before a review before done.

    Args:
        products: The batch.
        results: By task, in the order of the batch.

    Raises:
        PermanentError: A task's results are not those of this batch.
    """
    for task, given in results.items():
        if len(given) != len(products):
            raise PermanentError(
                f"{task} has {len(given)} results for {len(products)} products; start the run again"
            )
    groups: dict[Signature, list[Enrichment]] = defaultdict(list)
    for index, product in enumerate(products):
        tasks = {task: given[index] for task, given in results.items()}
        signature = tuple((task, result.status) for task, result in tasks.items())
        worst = max((status for _, status in signature), key=_WORST_LAST.index)
        groups[signature].append(
            Enrichment(
                product_id=product.product_id,
                content_hash=product.content_hash,
                status=EnrichmentStatus(worst.value),
                results={
                    task: result.model_dump(mode="json", exclude_none=True)
                    for task, result in tasks.items()
                },
            )
        )
    return groups


def summarise(applied: Iterable[tuple[Signature, Enrichment, int]], *, claimed: int) -> Stored:
    """Add up a batch.

    Args:
        applied: A group's signature, one of its enrichments, and how many of it were stored.
        claimed: Products in the batch.
    """
    by_status: Counter[str] = Counter()
    by_task: dict[str, Counter[str]] = defaultdict(Counter)
    for signature, example, count in applied:
        by_status[example.status.value] += count
        for task, status in signature:
            by_task[task][status.value] += count
    total = by_status.total()
    return Stored(
        applied=total,
        changed=claimed - total,
        by_status=_plain(by_status),
        by_task={task: _plain(counts) for task, counts in by_task.items()},
    )


def _plain(counts: Counter[str]) -> StatusCounts:
    return dict(sorted((+counts).items()))
