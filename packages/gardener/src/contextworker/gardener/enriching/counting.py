"""Count what a batch came to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from contextworker.brain.models import EnrichmentStatus
from contextworker.gardener.enrichers.entries import LLM
from contextworker.gardener.enriching.entries import Entries, entry_at, product_status, worst
from contextworker.gardener.enriching.messages import Settled, Spent, StatusCounts


def count(stored: Iterable[Entries], *, claimed: int, kept: int = 0) -> Settled:
    """Count the products of a batch that took their enrichment.

    Args:
        stored: Their entries.
        claimed: Products in the batch that had something to take.
        kept: Those of `stored` that changed in nothing.
    """
    by_status: Counter[str] = Counter()
    by_task: dict[str, Counter[str]] = defaultdict(Counter)
    # Few products of a batch stand as no other does: what is counted is how they stand.
    stand = Counter(
        tuple([(task, entry["status"]) for task, entry in entries.items()]) for entries in stored
    )
    for tasks, products in stand.items():
        status = worst(said for _, said in tasks)
        if status is not EnrichmentStatus.WAITING:
            by_status[status.value] += products
            for task, said in tasks:
                by_task[task][said] += products
    taken = stand.total()
    return Settled(
        claimed=claimed,
        stored=taken,
        changed=claimed - taken,
        kept=kept,
        by_status=_plain(by_status),
        by_task={task: _plain(counts) for task, counts in sorted(by_task.items())},
    )


def count_again(stored: Sequence[Entries], *, since: datetime) -> Settled:
    """Count a batch by what it stored, where the attempt that did so was cut off.

    Args:
        stored: The entries of the products that took theirs.
        since: When the batch was first to be done: what is older was kept.
    """
    new = [[entry for entry in entries.values() if entry_at(entry) >= since] for entries in stored]
    kept = sum(
        not entries and product_status(whole) is not EnrichmentStatus.WAITING
        for whole, entries in zip(stored, new, strict=True)
    )
    asked = [entry for entries in new for entry in entries if entry["source"].startswith(LLM)]
    spent = Spent(
        tokens=sum(entry["tokens"] for entry in asked),
        cost_usd=sum(entry["cost_usd"] for entry in asked),
    )
    counted = count(stored, claimed=len(stored), kept=kept)
    return counted.model_copy(update={"cut_off": True, "spent": spent})


def _plain(counts: Counter[str]) -> StatusCounts:
    return dict(sorted(counts.items()))
