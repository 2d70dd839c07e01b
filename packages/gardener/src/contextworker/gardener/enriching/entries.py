"""From a product to what its enrichers see, and from what they found to its enrichment."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from contextworker.brain.models import Edge, Enrichment, EnrichmentStatus, Product, Relation
from contextworker.brain.values import canonical_json
from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskEntry, TaskResult
from contextworker.gardener.enrichers.entries import LLM, PERSON
from contextworker.gardener.enrichers.pipeline import Worked
from contextworker.gardener.enriching.messages import Again
from contextworker.gardener.llm.answers import NO_ANSWER

Entries = Mapping[str, Any]
"""A product's `enrichment`: by task, a TaskEntry as JSON."""

GRAPH_TASK: Final = "kg"
"""The task whose result is stored as edges, too."""
_DOUBTFUL: Final = ("\\u0000", "NaN", "Infinity")
_RELATIONS: Final = {relation.value: relation for relation in Relation}
_WORST_FIRST: Final = (
    # Whatever else is in doubt: who is asked about a product sees to it that it is asked about.
    (ResultStatus.PENDING.value, EnrichmentStatus.WAITING),
    (ResultStatus.ERROR.value, EnrichmentStatus.ERROR),
    (ResultStatus.REVIEW.value, EnrichmentStatus.REVIEW),
)


def product_text(product: Product) -> ProductText:
    """Take from a product what enrichers look at."""
    return ProductText(
        product_id=product.product_id,
        content_hash=product.content_hash,
        name=product.name,
        category=product.category or "",
        brand_name=product.brand_name or "",
        description=product.description or "",
        url=product.url or "",
        params=dict(product.params),
    )


def product_status(entries: Entries) -> EnrichmentStatus:
    """Return where a product stands by its tasks: waiting before error before review before done.

    It waits as long as one of its tasks does, or nobody would ever ask the language model.
    """
    return worst([entry.get("status") for entry in entries.values()])


def worst(statuses: Iterable[str]) -> EnrichmentStatus:
    """Return where a product stands whose tasks have these statuses."""
    stand = tuple(statuses)
    for task, status in _WORST_FIRST:
        if task in stand:
            return status
    return EnrichmentStatus.DONE


def moment(at: datetime) -> str:
    """Write a time as it stands in an entry."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def enrichment(product: Product, worked: Worked, *, at: str) -> Enrichment:
    """Return what a product's enrichment is from now on.

    What was kept stays byte for byte; what is of a task that is no longer configured goes.

    Args:
        product: As it was claimed.
        worked: What its pipeline made of it.
        at: The time of new entries.
    """
    before: Entries = product.enrichment
    kept = {task: before[task] for task in before if task in worked.kept}
    new = {
        task: _entry(result, at=at, inputs=worked.inputs[task])
        for task, result in worked.results.items()
    }
    made = _enrichment(product, worked, kept | new)
    if _is_storable(made):
        return made
    new = {task: entry if _can_be_json(entry) else _refused(entry) for task, entry in new.items()}
    return _enrichment(product, worked, kept | new)


def _enrichment(product: Product, worked: Worked, results: dict[str, Any]) -> Enrichment:
    return Enrichment.of_checked(
        {
            "product_id": product.product_id,
            "content_hash": product.content_hash,
            "status": product_status(results),
            "results": results,
            "over": None,
            "edges": _edges(product, results, is_new=GRAPH_TASK in worked.results),
        }
    )
    return _enrichment(product, worked, results)


def is_kept(product: Product, worked: Worked) -> bool:
    """Tell whether nothing of a product's enrichment changes."""
    return not worked.results and worked.kept == product.enrichment.keys()


def standing(entries: Entries, again: Again | None) -> Entries:
    """Return the entries that may stay, of a product that is looked at again.

    What a language model could not say it is not asked again; where it did not answer, it is.
    """
    if again is None:
        return entries
    return {task: entry for task, entry in entries.items() if _stands(entry, again)}


def _stands(entry: Mapping[str, Any], again: Again) -> bool:
    source = str(entry.get("source", ""))
    if source.startswith(PERSON) or again is Again.ALL:
        return source.startswith(PERSON)
    answered = source.startswith(LLM) and not str(entry.get("reason", "")).startswith(NO_ANSWER)
    return answered or entry.get("status") == ResultStatus.DONE


def asked_about(entries: Entries, tasks: Iterable[str]) -> frozenset[str]:
    """Return the tasks of a product that wait for the language model, of those it is asked."""
    return frozenset(
        task for task in tasks if entries.get(task, {}).get("status") == ResultStatus.PENDING
    )


def entry_at(entry: Mapping[str, Any]) -> datetime:
    """Return when an entry was stored."""
    return TaskEntry.model_validate(entry).at


def _entry(result: TaskResult, *, at: str, inputs: str) -> dict[str, Any]:
    """Return what stands in a product's enrichment for a result: a TaskEntry as JSON.

    Without its model, which takes several times as long.
    """
    entry = {
        "status": result.status.value,
        "result": result.result,
        "confidence": result.confidence,
        "source": result.source,
        "tokens": result.tokens,
        "cost_usd": result.cost_usd,
        "at": at,
        "inputs": inputs,
    }
    if result.reason is not None:
        entry["reason"] = result.reason
    return entry


def _refused(entry: Mapping[str, Any]) -> dict[str, Any]:
    failed = TaskResult.failed(f"{entry['source']} gave text that no database can hold")
    return _entry(failed, at=entry["at"], inputs=entry["inputs"])


def _is_storable(made: Enrichment) -> bool:
    try:
        text = made.results_json
    except ValueError:
        return False
    return not any(mark in text for mark in _DOUBTFUL) or _can_be_json(made.results)


def _can_be_json(entry: Entries) -> bool:
    """Tell whether every database can hold it: slower than looking for what may not, and sure."""
    try:
        canonical_json(entry)
    except ValueError:
        return False
    return True


def _edges(product: Product, results: Entries, *, is_new: bool) -> tuple[Edge, ...] | None:
    """Return the product's relations, or None where they stay as they are stored."""
    entry = results.get(GRAPH_TASK)
    if entry is None:
        return () if GRAPH_TASK in product.enrichment else None
    if not is_new or entry["status"] == ResultStatus.ERROR:
        return None
    return tuple(
        Edge.of_checked(
            {
                "product_id": product.product_id,
                "relation": _RELATIONS[related["relation"]],
                "target": related["target"],
                "name": related["name"],
                "confidence": entry["confidence"],
            }
        )
        for related in entry["result"].get("relations", ())
    )
