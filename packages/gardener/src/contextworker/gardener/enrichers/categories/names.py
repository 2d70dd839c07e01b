"""Enricher `names`: the category whose name or synonym stands in a product's text."""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from contextworker.gardener.enrichers.base import ProductText, ResultStatus, TaskResult
from contextworker.gardener.enrichers.categories.names_index import Phrase
from contextworker.gardener.enrichers.categories.taxonomy import Category, Taxonomy, load_taxonomy
from contextworker.gardener.enrichers.options import Options, answers, read_options
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.text import Hit, Word, head, words

_SEPARATOR: Final = re.compile(r"[>»/|\\]")
_SEGMENTS: Final = 8
_PATHS_KEPT: Final = 8192

_LAST_FIRST: Final = 0.8
"""For phrases before a name's last one: a "tent sleeping pad" is a pad, for a tent."""


class Place(IntEnum):
    """Where a phrase stands."""

    IS_SEGMENT = 0
    ENDS_SEGMENT = 1
    IN_SEGMENT = 2
    ENDS_NAME = 3
    IN_NAME = 4


# How sure a phrase makes us, of one word and of several, by its place and by how it came to name
# its category: chosen for it, its name, part of its name, half of it. Set so that what is done on
# GPC's and on Google's categories is right in nine of ten cases: see the README's figures.
_SURENESS: Final[tuple[tuple[tuple[float, float], ...], ...]] = (
    ((0.97, 0.98), (0.76, 0.92), (0.55, 0.85), (0.35, 0.65)),
    ((0.86, 0.89), (0.72, 0.87), (0.5, 0.8), (0.35, 0.65)),
    ((0.82, 0.85), (0.4, 0.7), (0.2, 0.6), (0.1, 0.4)),
    ((0.88, 0.91), (0.62, 0.74), (0.4, 0.7), (0.3, 0.6)),
    ((0.82, 0.85), (0.3, 0.6), (0.2, 0.55), (0.1, 0.4)),
)
_STEP_UP: Final = 0.03
_IN_CONTEXT: Final = 0.15
_SUPPORT: Final = 0.12
_OPPOSE: Final = 0.12
_COUNTED: Final = 2
_CONTRADICTED: Final = 0.08
_AGREED: Final = 0.1
_AMBIGUOUS: Final = 0.2
_MISSPELT: Final = 0.9
_MISSPELT_NAME: Final = 0.8
_ONLY_TOP: Final = 0.65


class NamesOptions(Options):
    """What `names` can be told."""

    file: Path | None = None


class Evidence(NamedTuple):
    """A phrase that stands in a product."""

    phrase: Phrase
    place: Place
    said: str
    factor: float
    """Less than 1 where it was misspelt, stands far up in a path, or others follow it."""
    ceiling: float
    """More sure than this it makes nobody."""
    by_path: bool

    @classmethod
    def of(cls, phrase: Phrase, place: Place, said: str, factor: float) -> "Evidence":
        """Return it with how sure it could be at best."""
        surest = _SURENESS[place][phrase.named[0].naming][len(phrase.key) > 1]
        ceiling = factor * surest + _SUPPORT * _COUNTED + _AGREED + _IN_CONTEXT
        return cls(phrase, place, said, factor, ceiling, place <= Place.IN_SEGMENT)


class Match(NamedTuple):
    """A category, what said it, and how sure that makes us."""

    category: Category
    confidence: float
    said: str
    evidence: Evidence


class _Path(NamedTuple):
    """What a supplier's category path says."""

    evidence: tuple[Evidence, ...]
    words: frozenset[str]
    best: Evidence | None
    match: Match | None
    """What it says alone."""


class Names:
    """Finds categories without any example, by their names and synonyms.

    The supplier's path counts more than the name, its last segment more than the ones above. In a
    name, what stands before "for", "with" or a comma counts, and there the last phrase: a "tent
    sleeping pad" is a pad. Of several categories of one name, the one is meant whose parents' words
    stand there, too. Path and name that agree are surer than one of them; two that differ are less
    so. A category of the top level alone is never sure, where it has others below it.
    """

    source = "names"
    reads = frozenset({"name", "category"})

    def __init__(self, taxonomy: Taxonomy, *, threshold: float = 0.75) -> None:
        self._taxonomy = taxonomy
        self._index = taxonomy.index
        self._threshold = threshold
        self._parents = frozenset(category.parent_id for category in taxonomy)
        # Many products share a path, and much that is said of them; few names come twice.
        self._from_path = lru_cache(maxsize=_PATHS_KEPT)(self._in_path)
        self._judged = lru_cache(maxsize=_PATHS_KEPT)(self._judge)

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one result per product: id, name and path of its category."""
        return [self._enrich(subject.text) for subject in subjects]

    def match(self, product: ProductText) -> Match | None:
        """Return the category a product most likely is in."""
        path = self._from_path(_own_words(product.category, product.name))
        found = _of_head(product.name)
        by_name = self._in_name(product.name, found)
        if not by_name:
            return path.match
        evidence = (*path.evidence, *by_name)
        context = path.words.union([word.key for word in found])
        # The last phrase of a name first: the others rarely come up to it.
        chosen = by_name[::-1] if path.best is None else (path.best, *by_name[::-1])
        return self._surest(chosen, evidence, context)

    def _surest(
        self,
        candidates: Iterable[Evidence],
        evidence: tuple[Evidence, ...],
        context: frozenset[str],
    ) -> Match | None:
        best: Match | None = None
        for one in candidates:
            if best is None or one.ceiling > best.confidence:
                match = self._chosen(one, evidence, context)
                if best is None or match.confidence > best.confidence:
                    best = match
        return best

    def _enrich(self, product: ProductText) -> TaskResult:
        match = self.match(product)
        if match is None:
            return _NOTHING
        return self._judged(match.category.id, match.confidence, match.said)

    def _judge(self, category_id: str, confidence: float, said: str) -> TaskResult:
        category = self._taxonomy.get(category_id)
        if category is None:
            return _NOTHING
        return TaskResult.judged(
            {"id": category.id, "name": category.name, "path": self._taxonomy.path(category)},
            confidence=confidence,
            threshold=self._threshold,
            source=self.source,
            doubt=f"{said!r} points to {category.name!r}, but not surely",
        )

    def _in_path(self, path: str) -> _Path:
        """Return what a path says, its last segment first."""
        segments = [part.strip() for part in _SEPARATOR.split(path) if part.strip()][-_SEGMENTS:]
        evidence: list[Evidence] = []
        said: set[str] = set()
        for step, segment in enumerate(reversed(segments)):
            found, hits, factor = self._hits(words(segment), whole=True)
            said.update(word.key for word in found)
            for hit in hits:
                if hit.length == len(found):
                    place = Place.IS_SEGMENT
                elif hit.after == len(found):
                    place = Place.ENDS_SEGMENT
                else:
                    place = Place.IN_SEGMENT
                up = 1 - step * _STEP_UP
                evidence.append(Evidence.of(hit.value, place, segment, factor * up))
        every, context = tuple(evidence), frozenset(said)
        match = self._surest(every, every, context)
        best = next((one for one in every if match and match.evidence is one), None)
        return _Path(every, context, best, match)

    def _in_name(self, name: str, found: list[Word]) -> list[Evidence]:
        found, hits, factor = self._hits(found, whole=False)
        return [
            Evidence.of(
                hit.value,
                Place.ENDS_NAME if hit.after == len(found) else Place.IN_NAME,
                name[found[hit.first].start : found[hit.after - 1].end],
                factor if number == len(hits) else factor * _LAST_FIRST,
            )
            for number, hit in enumerate(hits, 1)
        ]

    def _hits(
        self, found: list[Word], *, whole: bool
    ) -> tuple[list[Word], list[Hit[Phrase]], float]:
        """Return the words, phrases among them, and less than 1 where they had to be respelt."""
        hits = self._index.find(found)
        enough = bool(hits) and (not whole or hits[-1].length == len(found))
        if not enough and (respelt := self._index.respelt(found)):
            others = self._index.find(respelt)
            if sum(hit.length for hit in others) > sum(hit.length for hit in hits):
                return respelt, others, _MISSPELT if whole else _MISSPELT_NAME
        return found, hits, 1.0

    def _chosen(
        self, one: Evidence, evidence: tuple[Evidence, ...], context: frozenset[str]
    ) -> Match:
        """Return which category is meant, of those of one name by their parents' words."""
        phrase = one.phrase
        named, most = phrase.named[0], 0
        is_one_of_many = False
        if len(phrase.named) == 1:
            most = not context.isdisjoint(named.above)
        else:
            scores = [len(context & each.above) for each in phrase.named]
            most = max(scores)
            place = scores.index(most)
            named = phrase.named[place]
            is_one_of_many = len(phrase.tops) > 1 and any(
                score == most and other.naming <= named.naming
                for score, other in zip(scores[place + 1 :], phrase.named[place + 1 :], strict=True)
            )
        category, top = named.category, named.top
        confidence = one.factor * _SURENESS[one.place][named.naming][len(phrase.key) > 1]
        support = oppose = 0
        contradicted = agreed = False
        for other in evidence:
            if top not in other.phrase.tops:
                oppose += 1
                contradicted = contradicted or other.by_path is not one.by_path
            elif other.phrase is not phrase or other.by_path is not one.by_path:
                support += 1
                agreed = agreed or (
                    other.by_path is not one.by_path and category.id in other.phrase.ids
                )
        confidence += _SUPPORT * min(support, _COUNTED) - _OPPOSE * min(oppose, _COUNTED)
        if agreed:
            confidence += _AGREED
        if contradicted:
            confidence -= _CONTRADICTED
        if most:
            confidence += _IN_CONTEXT
        if is_one_of_many:
            confidence -= _AMBIGUOUS
        if category.id == top and top in self._parents:
            confidence = min(confidence, _ONLY_TOP)
        return Match(category, min(max(confidence, 0.0), 1.0), one.said, one)


def names(context: EnricherContext) -> Names:
    """Make the enricher for a tenant's taxonomy."""
    answers(context, "names", "taxonomy")
    options = read_options(context, NamesOptions)
    return Names(load_taxonomy(options.file), threshold=options.threshold)


_NOTHING: Final = TaskResult(
    status=ResultStatus.REVIEW,
    confidence=0,
    source=Names.source,
    reason="no known category in its category path or name",
)


def _of_head(name: str) -> list[Word]:
    """Return the words before any "for" or comma; the whole name's are looked at by others, too."""
    found, limit = words(name), len(head(name))
    return found if limit == len(name) else [word for word in found if word.end <= limit]


def _own_words(path: str, name: str) -> str:
    """Drop a last segment that only repeats the name, cut or not: it would agree with itself."""
    segments = _SEPARATOR.split(path)
    last = segments[-1].strip().rstrip(".\u2026 ").casefold()
    if last and name.casefold().startswith(last):
        return path[: len(path) - len(segments[-1])]
    return path
