"""Enricher `vocabulary`: technologies and materials that a product says it has."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.options import Options, answers, read_options
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.terms.tech_file import (
    ONLY_SOUNDS,
    KnownThing,
    TechVocabulary,
    load_tech,
)
from contextworker.gardener.enrichers.text import Hit, Word, keys, words

_CERTAINTY: Final = 0.95
_IN_CONTEXT: Final = 0.9
_DENIED_WITHIN: Final = 2
_LISTS: Final[dict[str, str]] = {"technology": "technologies", "material": "materials"}


class TechOptions(Options):
    """What `vocabulary` can be told."""

    file: Path | None = None


class TechEnricher:
    """Finds what the vocabulary knows, by exact words, in the name, parameters and description.

    "Without leather", "leather-look" and "faux leather" are no leather. A word that means other
    things, too, counts only beside one of its context words. A product that states nothing of the
    kind is done: there is nothing to look up.
    """

    source = "vocabulary"
    reads = frozenset({"name", "params", "description"})

    def __init__(self, vocabulary: TechVocabulary, *, threshold: float = 0.75) -> None:
        self._vocabulary = vocabulary
        self._threshold = threshold

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one result per product: technologies and materials, in the order they stand."""
        return [self._enrich(subject.text) for subject in subjects]

    def _enrich(self, product: ProductText) -> TaskResult:
        found: dict[str, tuple[KnownThing, str]] = {}
        for text in _texts(product):
            for thing, said in self._stated(text):
                found.setdefault(thing.id, (thing, said))
        if not found:
            return _NOTHING
        result: dict[str, Any] = {}
        for thing, said in found.values():
            known = {"id": thing.id, "name": thing.name, "text": said}
            result.setdefault(_LISTS[thing.kind], []).append(known)
        unsure = any(thing.context for thing, _ in found.values())
        return TaskResult.judged(
            result,
            confidence=_IN_CONTEXT if unsure else _CERTAINTY,
            threshold=self._threshold,
            source=self.source,
            doubt="a word of the vocabulary stands in it, which is not sure enough",
        )

    def _stated(self, text: str) -> Iterator[tuple[KnownThing, str]]:
        phrases = self._vocabulary.phrases
        hits = phrases.find_keys(keys(text))
        if not hits:
            return  # as of most texts: where its words stand need not be known
        found = words(text)
        around: set[str] | None = None
        for hit in hits:
            thing = hit.value
            if thing is ONLY_SOUNDS:
                continue
            if thing.context:
                around = around or {word.key for word in found}
                if around.isdisjoint(thing.context):
                    continue
            said = text[found[hit.first].start : found[hit.after - 1].end]
            if thing.written and said not in thing.written and said[:-1] not in thing.written:
                continue
            if not self._is_denied(text, found, hit):
                yield thing, said

    def _is_denied(self, text: str, found: list[Word], hit: Hit[KnownThing]) -> bool:
        known = self._vocabulary
        start, end = found[hit.first].start, found[hit.after - 1].end
        for word in reversed(found[max(hit.first - _DENIED_WITHIN, 0) : hit.first]):
            if _parts(text[word.end : start]):
                break
            if word.key in known.before:
                return True
        after = found[hit.after] if hit.after < len(found) else None
        return (
            after is not None and after.key in known.after and not _parts(text[end : after.start])
        )


def vocabulary(context: EnricherContext) -> TechEnricher:
    """Make the enricher for a tenant's technologies and materials."""
    answers(context, "vocabulary", "tech")
    options = read_options(context, TechOptions)
    return TechEnricher(load_tech(options.file), threshold=options.threshold)


_DENIALS: Final = frozenset(
    keys(word)
    for word in ("no", "none", "false", "0", "n/a", "without", "nein", "ohne", "ні", "без")
)
"""What a parameter says where a product has not what its key names."""

_NOTHING: Final = TaskResult(status=ResultStatus.DONE, confidence=1.0, source=TechEnricher.source)


def _texts(product: ProductText) -> Iterator[str]:
    yield product.name
    for key, value in product.params.items():
        if keys(value) not in _DENIALS:
            # With its key: "filling: down" has its context there, and "Bluetooth: 5 m" its thing.
            yield f"{key}: {value}"
    yield product.description


def _parts(between: str) -> bool:
    """Tell whether what stands between two words parts them: a comma, a full stop."""
    return any(char in ",.;:|/()" for char in between)
