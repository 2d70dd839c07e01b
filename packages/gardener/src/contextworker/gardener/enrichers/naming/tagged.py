"""What a trained tagger reads in names, and the rules where it has learnt nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from contextworker.gardener.enrichers.base import TaskResult
from contextworker.gardener.enrichers.naming.brands import Brands, is_placeholder
from contextworker.gardener.enrichers.naming.ner import THRESHOLD, Read, RulesEnricher
from contextworker.gardener.enrichers.naming.vocabulary import vocabulary
from contextworker.gardener.enrichers.protocol import Subject
from contextworker.gardener.tagger.examples import Tag, tag_text
from contextworker.gardener.tagger.tagger import BRAND, Tagger


class TaggerEnricher:
    """Reads brand, model, product type, colour and size where it has learnt to find them.

    What it has not learnt, and the brand a supplier states, the rules read. The brand decides the
    status: its confidence is how often such a one was right on examples kept apart, and the rules'
    own where they read it.
    """

    reads = RulesEnricher.reads

    def __init__(
        self, tagger: Tagger, brands: Sequence[str] = (), *, threshold: float | None = None
    ) -> None:
        """Take a tagger, and the brands the catalogue knows.

        Args:
            tagger: Trained.
            brands: The most frequent first.
            threshold: From which confidence on a brand is done; when left out, the tagger's own
                for what it reads, and the rules' for what they read.
        """
        self.source = f"tagger@{tagger.version}"
        self._tagger = tagger.with_brands(brands) if brands else tagger
        self._threshold = tagger.threshold if threshold is None else threshold
        self._rules_threshold = THRESHOLD if threshold is None else threshold
        self._learnt = frozenset(tagger.attributes)
        self._rules = RulesEnricher(Brands(brands))

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one `NerResult` per product."""
        tagged = self._tagger.tag([tag_text(subject.text) for subject in subjects])
        return [self._enrich(subject, tags) for subject, tags in zip(subjects, tagged, strict=True)]

    def _enrich(self, subject: Subject, tags: Mapping[str, Tag]) -> TaskResult:
        read = self._rules.read(subject)
        # What it has learnt to find and does not find here, the rules would only guess at.
        by_rules = {key: value for key, value in read.result.items() if key not in self._learnt}
        result = {**by_rules, **_named(tags, read)}
        stated = not is_placeholder(subject.text.brand_name)
        threshold = self._threshold
        if stated or BRAND not in self._learnt:
            confidence, doubt = read.brand.confidence, read.brand.doubt
            threshold = self._rules_threshold
            if read.brand.name:
                result["brand"] = read.brand.name
        elif (brand := tags.get(BRAND)) is not None:
            result["brand"] = brand.value
            confidence = brand.confidence
            doubt = f"{brand.value!r} is read as the brand, but not surely"
        else:
            confidence, doubt = 0.0, "no brand is stated, and none is read in the name"
        return TaskResult.judged(
            result,
            confidence=confidence,
            threshold=threshold,
            source=self.source,
            doubt=doubt,
        )


def _named(tags: Mapping[str, Tag], read: Read) -> dict[str, Any]:
    """Return what the tagger found besides the brand."""
    named: dict[str, Any] = {
        name: tags[name].value for name in ("model", "product_type") if name in tags
    }
    variant = dict(read.result.get("variant", {}))
    if (colour := tags.get("colour")) is not None:
        known = vocabulary().colours.get(colour.value)
        variant["colour"] = [known or colour.value.casefold()]
    if (size := tags.get("size")) is not None:
        variant["size"] = size.value
    return named | ({"variant": variant} if variant else {})
