"""Where the names of categories stand in a text, misspelt ones, too."""

import math
from collections import Counter, defaultdict
from functools import cached_property, lru_cache
from heapq import nlargest
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz.distance import OSA

from contextworker.gardener.enrichers.categories.category_phrases import Key, Naming, phrases_of
from contextworker.gardener.enrichers.text import Hit, Phrases, Word, keys

if TYPE_CHECKING:
    from contextworker.gardener.enrichers.categories.taxonomy import Category, Taxonomy

_FUZZY_LENGTH: Final = 5
_WORDS_KEPT: Final = 16_384
_LEVEL_WEIGHT: Final = 0.6


class Named(NamedTuple):
    """A category that a phrase names, and how."""

    category: "Category"
    naming: Naming
    top: str
    """Id of the category of the top level it is in."""
    above: frozenset[str]
    """The words of the categories above it: where they stand beside the phrase, it is meant."""


class Phrase(NamedTuple):
    """What a phrase names."""

    key: Key
    named: tuple[Named, ...]
    """The most surely named first."""
    tops: frozenset[str]
    """Ids of the top level these are in."""
    ids: frozenset[str]


class NamesIndex:
    """The phrases of a taxonomy; one phrase may name several categories."""

    def __init__(self, taxonomy: "Taxonomy") -> None:
        owners: defaultdict[Key, list[Named]] = defaultdict(list)
        self._above: dict[str, frozenset[str]] = {"": frozenset()}
        for category in taxonomy:
            top = taxonomy.ancestry(category)[0].id
            above = self._words_above(taxonomy, category.parent_id)
            for key, naming in phrases_of(category).items():
                beside = above if above.isdisjoint(key) else above.difference(key)
                owners[key].append(Named(category, naming, top, beside))
        self._taxonomy = taxonomy
        self.phrases: Phrases[Phrase] = Phrases.of_keys(
            {
                key: Phrase(
                    key,
                    tuple(sorted(named, key=lambda one: (one.naming, one.category.id))),
                    frozenset(one.top for one in named),
                    frozenset(one.category.id for one in named),
                )
                for key, named in owners.items()
            }
        )
        self._rights = lru_cache(maxsize=_WORDS_KEPT)(self._right)
        self._words = frozenset(word for key in owners for word in key)

    def _words_above(self, taxonomy: "Taxonomy", parent_id: str) -> frozenset[str]:
        """Return the words of a category and of those above it."""
        known = self._above.get(parent_id)
        if known is None:
            parent = taxonomy.get(parent_id)
            further = self._words_above(taxonomy, parent.parent_id) if parent else frozenset()
            known = self._above[parent_id] = further.union(keys(parent.name) if parent else ())
        return known

    def find(self, found: list[Word]) -> list[Hit[Phrase]]:
        """Return the phrases among the words."""
        return self.phrases.find(found)

    def respelt(self, found: list[Word]) -> list[Word] | None:
        """Return the words with those that are one letter off set right; None if none is."""
        changed = False
        spelt = []
        for word in found:
            right = self._rights(word.key)
            changed = changed or right is not None
            spelt.append(word if right is None else word._replace(key=right))
        return spelt if changed else None

    def nearest(self, text: str, limit: int) -> list["Category"]:
        """Return the categories whose names, and those above them, share most with the words."""
        scores: Counter[str] = Counter()
        for word in set(keys(text)):
            for category_id, weight in self._postings.get(word, ()):
                scores[category_id] += weight  # type: ignore[assignment]  # a Counter of floats
        best = nlargest(limit, scores.items(), key=lambda item: (item[1], item[0]))
        return [found for one, _ in best if (found := self._taxonomy.get(one))]

    @cached_property
    def _postings(self) -> dict[str, list[tuple[str, float]]]:
        """By word, categories with weights: rare words weigh more, those of short names, too."""
        holders: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for category in self._taxonomy:
            for step, one in enumerate(reversed(self._taxonomy.ancestry(category))):
                own = [key for phrase in (one.name, *one.synonyms) for key in keys(phrase)]
                for word in own:
                    known = holders[word].get(category.id, 0)
                    holders[word][category.id] = max(known, _LEVEL_WEIGHT**step)
        total = len(self._taxonomy)
        lengths = {
            category.id: math.sqrt(1 + len(keys(category.name))) for category in self._taxonomy
        }
        return {
            word: [
                (one, weight * math.log(1 + total / len(held)) / lengths[one])
                for one, weight in held.items()
            ]
            for word, held in holders.items()
        }

    def _right(self, key: str) -> str | None:
        if len(key) < _FUZZY_LENGTH or key in self._words or not key.isalpha():
            return None
        near = {known for part in _deleted(key) for known in self._deletes.get(part, ())}
        at_hand = sorted(
            known
            for known in near
            if key[0] == known[0] and OSA.distance(key, known, score_cutoff=1) <= 1
        )
        return at_hand[0] if at_hand else None

    @cached_property
    def _deletes(self) -> dict[str, list[str]]:
        """What each word is without one of its letters: two words one off share one of these."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._words:
            if len(word) >= _FUZZY_LENGTH:
                for part in _deleted(word):
                    found[part].append(word)
        return dict(found)


def _deleted(word: str) -> set[str]:
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}
