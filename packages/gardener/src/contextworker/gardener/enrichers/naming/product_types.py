"""What a product is: the words of its name that name its kind."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from contextworker.gardener.enrichers.naming.models import CODE
from contextworker.gardener.enrichers.naming.vocabulary import vocabulary
from contextworker.gardener.enrichers.text import Phrases, Word, keys, outside, words

_LEVELS: Final = re.compile(r"\s*(?:>+|/|\||;)\s*")
_LISTED: Final = re.compile(r"\s*(?:,|&|\band\b|\bund\b|\bта\b)\s*", re.IGNORECASE)
_CATEGORIES_KEPT = 16_384
_ADJACENT = re.compile(r"[\s-]{1,2}")
_SHORTEST = 4

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Called:
    """How a category is called."""

    name: str
    """Its own name, in the singular."""
    heads: frozenset[str]
    """The last words of its path's names: "Covers" of "Cushion Covers"."""
    words: frozenset[str]
    """All words of them."""


def find_type(
    name: str, found: list[Word], *, category: str, limit: int, taken: list[Span]
) -> tuple[str | None, list[Span]]:
    """Return the product type, and start and end of every word in the name that names a kind.

    The words of the name that its category is called by, else a known kind, each the last one
    before any "for" or comma, where English has its head noun; else the category's own name in
    the singular; else the last plain noun of the name.

    Args:
        name: The product's.
        found: Its words.
        category: The supplier's, or the one it was sorted into: levels parted by `>` or `/`.
        limit: Where the name begins to say what the product is for or comes with.
        taken: What is explained otherwise: start and end of brand, measures, colours.
    """
    free = outside([word for word in found if word[2] <= limit], taken)
    called = _called(category)
    known = [(free[hit.first].start, free[hit.after - 1].end) for hit in known_kinds().find(free)]
    span = _last_run(name, free, called) or (known[-1] if known else None)
    if span is not None:
        # "Camping" of a "camping table" is what its category is called by, and no kind of thing.
        span = next((one for one in known if one[0] <= span[0] and span[1] < one[1]), span)
    if span is not None:
        return name[span[0] : span[1]], [span, *known]
    if own := _without_first(called.name, found):
        return own, []
    if len(free) > 1 and _is_noun(name, free[-1]):
        return name[free[-1].start : free[-1].end], [(free[-1].start, free[-1].end)]
    return None, []


@cache
def known_kinds() -> Phrases[str]:
    """Return the names and synonyms of the packaged categories: words for kinds of things."""
    path = files("contextworker.gardener") / "data" / "taxonomy.toml"
    return Phrases(
        (phrase, category["id"])
        for category in tomllib.loads(path.read_text("utf-8"))["category"]
        for phrase in (category["name"], *category.get("synonyms", ()))
    )


@lru_cache(maxsize=_CATEGORIES_KEPT)
def _called(category: str) -> _Called:
    levels = [level for level in _LEVELS.split(category) if keys(level)]
    if not levels:
        return _Called("", frozenset(), frozenset())
    no_kind = vocabulary().no_kind
    parts = [keys(part) for level in levels for part in _LISTED.split(level)]
    return _Called(
        _singular(levels[-1]),
        frozenset(part[-1] for part in parts if part and part[-1] not in no_kind),
        frozenset(key for part in parts for key in part if key not in no_kind),
    )


def _singular(name: str) -> str:
    """Return `Tents` as `Tent`; a list such as `Pots & Pans` stays as it is."""
    last = words(name)[-1]
    text = name[last.start : last.end]
    stays = len(_LISTED.split(name)) > 1 or len(text) < _SHORTEST or not text.isascii()
    if stays or last.key == text.casefold() or "'" in text:
        return name
    kept = text[: len(last.key)]
    # "Batteries" ends as its key does: "Battery".
    singular = kept if kept.casefold() == last.key else kept[:-1] + last.key[-1]
    return name[: last.start] + singular + name[last.end :]


def _last_run(name: str, free: list[Word], called: _Called) -> Span | None:
    """Return the last run of words that the category is called by; its last word is a head."""
    if not called.heads:
        return None
    end = next((n for n in range(len(free) - 1, -1, -1) if free[n].key in called.heads), None)
    if end is None:
        return None
    first = end
    while (
        first
        and free[first - 1].key in called.words
        and _ADJACENT.fullmatch(name, free[first - 1].end, free[first].start)
    ):
        first -= 1
    return free[first].start, free[end].end


def _without_first(category: str, found: list[Word]) -> str:
    """Return a category's name without the word the product's begins with: `Sony TVs`, `TV`."""
    own = words(category)
    if own and found and own[0].key == found[0].key:
        return category[own[1].start :] if len(own) > 1 else ""
    return category


def _is_noun(name: str, word: Word) -> bool:
    text = name[word.start : word.end]
    return text.isalpha() and word.key not in vocabulary().plain and not CODE.fullmatch(text)
