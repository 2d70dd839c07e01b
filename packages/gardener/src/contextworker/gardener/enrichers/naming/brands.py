"""The brands a tenant's catalogue knows, found in names also when misspelt."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from contextworker.gardener.enrichers.base import NAME_LIMIT, clean
from contextworker.gardener.enrichers.naming.vocabulary import vocabulary
from contextworker.gardener.enrichers.text import Phrases, Word, head, keys

_SURE_LENGTH = 3
_FUZZY_LENGTH = 5
_FUZZY_WORDS = 3
_QUERIES_KEPT = 16_384


@dataclass(frozen=True, slots=True)
class BrandHit:
    """A brand found in a name: as the catalogue spells it, where, and how like it is (0 to 1)."""

    brand: str
    start: int
    end: int
    likeness: float = 1.0


def is_placeholder(brand: str) -> bool:
    """Tell whether a brand field says that there is no brand."""
    return not keys(brand) or keys(brand) in vocabulary().no_brand


class Brands:
    """Known brands; of two spellings of one brand the first, so give the most frequent first."""

    def __init__(self, names: Iterable[str]) -> None:
        spellings: dict[str, str] = {}
        for name in names:
            brand = clean(name, NAME_LIMIT)
            # A brand called "White" or "Slim" would be found in half a catalogue's names.
            if not is_placeholder(brand) and not vocabulary().is_plain(brand):
                spellings.setdefault(" ".join(keys(brand)), brand)
        self._phrases = Phrases(spellings)
        # Many names begin alike.
        self._nearest = lru_cache(maxsize=_QUERIES_KEPT)(self._like)
        self._by_initial: dict[str, dict[str, str]] = defaultdict(dict)
        for key, brand in spellings.items():
            if len(key) >= _FUZZY_LENGTH:
                self._by_initial[key[0]][key] = brand

    def find(self, name: str, found: list[Word]) -> BrandHit | None:
        """Return the first known brand in the words of a name, before any "for" or comma."""
        limit = len(head(name))
        for hit in self._phrases.find(found):
            start, end = found[hit.first].start, found[hit.after - 1].end
            # "Hers by Herman": at the start, what looks like the end of the name is none.
            inside = end <= limit or hit.first == 0
            # "AW" is a brand where it is written so; "aw" and "Aw" are words.
            if inside and (end - start >= _SURE_LENGTH or name[start:end] == hit.value):
                return BrandHit(hit.value, start, end)
        return None

    def find_misspelt(self, found: list[Word], *, likeness: float) -> BrandHit | None:
        """Return the known brand that a name's first words are like, from a likeness on."""
        best: BrandHit | None = None
        for length in range(min(_FUZZY_WORDS, len(found)), 0, -1):
            query = " ".join(word.key for word in found[:length])
            if len(query) < _FUZZY_LENGTH:
                continue
            hit = self._nearest(query, likeness)
            if hit is not None and (best is None or hit[1] > best.likeness):
                best = BrandHit(hit[0], found[0].start, found[length - 1].end, hit[1])
        return best

    def _like(self, query: str, likeness: float) -> tuple[str, float] | None:
        known = self._by_initial.get(query[0], {})
        hit = process.extractOne(
            query, known.keys(), scorer=fuzz.ratio, score_cutoff=100 * likeness
        )
        return None if hit is None else (known[hit[0]], hit[1] / 100)


def find_phrase(brand: str, found: list[Word]) -> tuple[int, int] | None:
    """Return where a brand stands in the words of a name: start and end."""
    wanted = keys(brand)
    for first in range(len(found) - len(wanted) + 1):
        part = found[first : first + len(wanted)]
        if part and tuple(word.key for word in part) == wanted:
            return part[0].start, part[-1].end
    return None
