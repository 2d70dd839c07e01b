"""Task `taxonomy`: the category of a product, from its supplier's category path and its name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rapidfuzz import fuzz, process

from contextworker.gardener.enrichers.base import ProductText, TaskResult
from contextworker.gardener.enrichers.taxonomy import Category, Taxonomy
from contextworker.gardener.enrichers.text import Word, head, words

_SEPARATOR = re.compile(r"[>»/|\\]")
_SEGMENTS = 8
_LAST_WORDS = 8
_FUZZY_LENGTH = 5

# How sure each kind of evidence makes us, before thresholds.
_SEGMENT_IS_PHRASE = 0.98
_SEGMENT_HAS_PHRASE = 0.86
_SEGMENT_IS_LIKE = 0.88
_STEP_UP = 0.03
_NAME_HAS_PHRASE = 0.82
_NAME_ENDS_WITH_PHRASE = 0.88
_NAME_IS_LIKE = 0.78
_LONGER_PHRASE = 0.03
_ONLY_DEPARTMENT = 0.65
_AGREE = 0.08
_DISAGREE = 0.2
_FUZZY_CUTOFF = 86


@dataclass(frozen=True, slots=True)
class _Match:
    category: Category
    confidence: float
    source: str
    text: str


class TaxonomyEnricher:
    """Finds the category whose name or synonym stands in the category path or in the name.

    The supplier's path counts more than the name, its last segment more than the ones above. In a
    name, what stands before "for", "with" or a comma counts, and there the last phrase: a "tent
    sleeping pad" is a pad. Misspelt words are found by rapidfuzz. Two sources that agree are surer
    than one; two that differ are less so. A department alone ("Camping") is never sure.
    """

    name = "taxonomy"

    def __init__(self, taxonomy: Taxonomy, *, threshold: float = 0.75) -> None:
        self._taxonomy = taxonomy
        self._threshold = threshold
        self._choices = dict(taxonomy.phrases.items())
        self._choice_texts = list(self._choices)
        # Many products share a path; few names come twice.
        self._from_path = lru_cache(maxsize=4096)(self._match_path)

    def enrich(self, products: Sequence[ProductText]) -> list[TaskResult]:
        """Return one result per product: id, name, path and the matched words."""
        return [self._enrich(product) for product in products]

    def _enrich(self, product: ProductText) -> TaskResult:
        by_path = self._from_path(_own_words(product.category, product.name))
        # Typos in a name are looked for only where the path leaves the category open.
        fuzzy = by_path is None or by_path.confidence < self._threshold
        match = _combine(by_path, self._match_name(product.name, fuzzy=fuzzy))
        if match is None:
            return TaskResult.judged(
                {},
                confidence=0,
                threshold=self._threshold,
                source="",
                doubt="no known category in its category path or name",
            )
        result = {
            "id": match.category.id,
            "name": match.category.name,
            "path": self._taxonomy.path(match.category),
            "text": match.text,
        }
        return TaskResult.judged(
            result,
            confidence=match.confidence,
            threshold=self._threshold,
            source=match.source,
            doubt=f"{match.text!r} points to {match.category.name!r}, but not surely",
        )

    def _match_path(self, path: str) -> _Match | None:
        segments = [part.strip() for part in _SEPARATOR.split(path) if part.strip()]
        best: _Match | None = None
        for step, segment in enumerate(reversed(segments[-_SEGMENTS:])):
            match = self._match_segment(segment)
            if match is None:
                continue
            match = replace(match, confidence=match.confidence - step * _STEP_UP)
            if best is None or match.confidence > best.confidence:
                best = match
        return best

    def _match_segment(self, segment: str) -> _Match | None:
        if category := self._taxonomy.phrases.get(segment):
            return self._match(category, _SEGMENT_IS_PHRASE, "category", segment)
        found = words(segment)
        part: _Match | None = None
        if hits := self._taxonomy.phrases.find(found):
            text = segment[found[hits[-1].first].start : found[hits[-1].after - 1].end]
            part = self._match(hits[-1].value, _SEGMENT_HAS_PHRASE, "category", text)
            if part.category.parent_id:
                return part
        # "Sleeeping bags" has the department "bags" in it, and is like "sleeping bags" as a whole.
        whole = " ".join(word.key for word in found)
        return self._match_fuzzy(whole, _SEGMENT_IS_LIKE, "category", segment) or part

    def _match_name(self, name: str, *, fuzzy: bool) -> _Match | None:
        start = head(name)
        found = words(start)
        hits = self._taxonomy.phrases.find(found)
        if not hits:
            return self._match_misspelt(start, found[-_LAST_WORDS:]) if fuzzy else None
        hit = hits[-1]
        base = _NAME_ENDS_WITH_PHRASE if hit.after == len(found) else _NAME_HAS_PHRASE
        text = start[found[hit.first].start : found[hit.after - 1].end]
        return self._match(hit.value, base + _LONGER_PHRASE * (hit.length - 1), "name", text)

    def _match_misspelt(self, name: str, found: list[Word]) -> _Match | None:
        best: _Match | None = None
        for length in (2, 1):
            for first in range(len(found) - length + 1):
                part = found[first : first + length]
                text = name[part[0].start : part[-1].end]
                match = self._match_fuzzy(
                    " ".join(word.key for word in part), _NAME_IS_LIKE, "name", text
                )
                if match and (best is None or match.confidence >= best.confidence):
                    best = match
        return best

    def _match_fuzzy(self, query: str, base: float, source: str, text: str) -> _Match | None:
        if len(query) < _FUZZY_LENGTH:
            return None
        hit = process.extractOne(
            query, self._choice_texts, scorer=fuzz.ratio, score_cutoff=_FUZZY_CUTOFF
        )
        if hit is None:
            return None
        return self._match(self._choices[hit[0]], base * hit[1] / 100, source, text)

    def _match(self, category: Category, confidence: float, source: str, text: str) -> _Match:
        if not category.parent_id:
            confidence = min(confidence, _ONLY_DEPARTMENT)
        return _Match(category, confidence, source, text)


def _own_words(path: str, name: str) -> str:
    """Drop a last segment that only repeats the name, cut or not: it would agree with itself."""
    segments = _SEPARATOR.split(path)
    last = segments[-1].strip().rstrip(".\u2026 ").casefold()
    if last and name.casefold().startswith(last):
        return path[: len(path) - len(segments[-1])]
    return path


def _combine(path: _Match | None, name: _Match | None) -> _Match | None:
    if path is None or name is None:
        return path or name
    best = max(path, name, key=lambda match: (match.confidence, match.source == "category"))
    if path.category.id == name.category.id or _is_within(name, path) or _is_within(path, name):
        deeper = max(path, name, key=lambda match: (match.category.id.count("."), match is best))
        confidence = min(deeper.confidence + _AGREE, 1.0)
        return replace(deeper, confidence=confidence, source="category+name")
    return replace(best, confidence=best.confidence - _DISAGREE)


def _is_within(inner: _Match, outer: _Match) -> bool:
    return inner.category.id.startswith(f"{outer.category.id}.")
