"""Enricher `names`: the category whose name or synonym stands in a product's text."""

from collections.abc import Sequence
from pathlib import Path

from contextworker.gardener.enrichers.base import TaskResult
from contextworker.gardener.enrichers.classify import TaxonomyEnricher
from contextworker.gardener.enrichers.options import Options, answers, read_options
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.taxonomy import Taxonomy, load_taxonomy


class NamesOptions(Options):
    """What `names` can be told."""

    file: Path | None = None


class Names:
    """Finds categories without any example, by their names and synonyms."""

    source = "names"
    reads = frozenset({"name", "category"})

    def __init__(self, taxonomy: Taxonomy, *, threshold: float = 0.75) -> None:
        self._enricher = TaxonomyEnricher(taxonomy, threshold=threshold)

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one result per product: id, name and path of its category."""
        return [
            result.model_copy(
                update={
                    "source": self.source,
                    "result": {k: v for k, v in result.result.items() if k != "text"},
                }
            )
            for result in self._enricher.enrich([subject.text for subject in subjects])
        ]


def names(context: EnricherContext) -> Names:
    """Make the enricher for a tenant's taxonomy."""
    answers(context, "names", "taxonomy")
    options = read_options(context, NamesOptions)
    return Names(load_taxonomy(options.file), threshold=options.threshold)
