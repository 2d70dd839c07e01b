"""Enricher `relations`: what the results before it relate a product to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from contextworker.brain.models import Relation
from contextworker.gardener.enrichers.base import ResultStatus, TaskResult
from contextworker.gardener.enrichers.options import Options, answers, read_options
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject

_READS: Final = frozenset({"taxonomy", "ner", "tech"})
_LISTS: Final = (
    (Relation.TECHNOLOGY.value, "technologies"),
    (Relation.MATERIAL.value, "materials"),
)


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
    done = {
        task: result
        for task in _READS
        if (result := results.get(task)) and result.status is ResultStatus.DONE
    }
    related = {
        (relation, target): name for relation, target, name in _each(done) if target and name
    }
    return TaskResult.judged(
        {
            "relations": [
                {"relation": relation, "target": target, "name": name}
                for (relation, target), name in related.items()
            ]
        },
        confidence=min([result.confidence for result in done.values()], default=1.0),
        threshold=0,
        source=Relations.source,
        doubt="",
    )


def _each(done: Mapping[str, TaskResult]) -> Iterator[tuple[str, str, str]]:
    if (named := done.get("ner")) and (brand := named.result.get("brand")):
        yield Relation.BRAND.value, brand_key(brand), brand
    if (sorted_into := done.get("taxonomy")) and (category := sorted_into.result):
        yield Relation.CATEGORY.value, category.get("id", ""), category.get("name", "")
    if (tech := done.get("tech")) and tech.result:
        for relation, key in _LISTS:
            for known in tech.result.get(key, ()):
                yield relation, known["id"], known["name"]
