"""Enricher `relations`: what the results before it relate a product to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from contextworker.brain.models import Relation
from contextworker.gardener.enrichers.base import ResultStatus, TaskResult
from contextworker.gardener.enrichers.options import Options, answers, read_options
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject

_READS: Final = frozenset({"taxonomy", "ner", "tech"})


class Relations:
    """Relates a product to its brand, category, technologies and materials.

    Only what is done counts: a guess that a person still has to look at is no relation. The
    category is the one the product is in, not those above it: these are known by the taxonomy, and
    would only have to be moved whenever it is. The answer is always done; it changes as soon as one
    of the results does.
    """

    source = "relations"
    reads = _READS

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one result per product: its relations, each target once."""
        return [_related(subject.results) for subject in subjects]


def relations(context: EnricherContext) -> Relations:
    """Make the enricher; it has no options."""
    answers(context, "relations", "kg")
    read_options(context, Options)
    return Relations()


def brand_key(brand: str) -> str:
    """Return what identifies a brand, however it is written: `Jack Wolfskin` as `jack wolfskin`."""
    return " ".join(brand.casefold().split())


def _related(results: Mapping[str, TaskResult]) -> TaskResult:
    related = {
        (relation, target): name for relation, target, name in _each(results) if target and name
    }
    confidence = min(
        (
            result.confidence
            for task, result in results.items()
            if task in _READS and result.status is ResultStatus.DONE
        ),
        default=1.0,
    )
    return TaskResult(
        status=ResultStatus.DONE,
        result={
            "relations": [
                {"relation": relation.value, "target": target, "name": name}
                for (relation, target), name in related.items()
            ]
        },
        confidence=confidence,
        source=Relations.source,
    )


def _each(results: Mapping[str, TaskResult]) -> Iterator[tuple[Relation, str, str]]:
    if brand := _done(results, "ner").get("brand"):
        yield Relation.BRAND, brand_key(brand), brand
    category = _done(results, "taxonomy")
    if category:
        yield Relation.CATEGORY, category.get("id", ""), category.get("name", "")
    tech = _done(results, "tech")
    for relation, key in (
        (Relation.TECHNOLOGY, "technologies"),
        (Relation.MATERIAL, "materials"),
    ):
        for known in tech.get(key, ()):
            yield relation, known["id"], known["name"]


def _done(results: Mapping[str, TaskResult], task: str) -> Mapping[str, Any]:
    result = results.get(task)
    return result.result if result and result.status is ResultStatus.DONE else {}
