"""The phrases that name a category: its name, its synonyms, and what can be made of its name."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Final

from contextworker.gardener.enrichers.categories.taxonomy import Category
from contextworker.gardener.enrichers.text import keys

Key = tuple[str, ...]


class Naming(IntEnum):
    """How a phrase came to name a category, from the surest on."""

    CHOSEN = 0
    """A name or synonym of a category whose file states synonyms: somebody thought of products."""
    NAME = 1
    PART = 2
    """One of what the name lists, as `Futons` of `Sofas & Futons`."""
    HALF = 3
    """A word of the name that hardly stands alone, as `Baby` of `Baby & Toddler Clothing`."""


_AND: Final = re.compile(r"\s*(?:[&,/;+]|\b(?:and|und|та|і|й)\b)\s*", re.IGNORECASE)
_BRACKET: Final = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_SPLIT_WORDS: Final = 2

# Alone they name what a category holds of something, not what.
_VAGUE: Final = frozenset(
    keys(
        "accessory part other misc miscellaneous supply set kit item product good general various "
        "assorted variety care service pack replacement component equipment unclassified "
        "unidentified type zubehör teil sonstige аксесуари інше a of the non"
    )
)


def phrases_of(category: Category) -> dict[Key, Naming]:
    """Return the keys of phrases, each with how it names the category.

    `Sofas & Futons` is either; `Baby & Toddler Clothing` is baby clothing, too, and hardly a baby.
    """
    found: dict[Key, Naming] = {}
    for key, naming in _each(category):
        if key and not _VAGUE.issuperset(key):
            found[key] = min(naming, found.get(key, naming))
    return found


def _each(category: Category) -> Iterator[tuple[Key, Naming]]:
    yield keys(category.name), Naming.CHOSEN if category.synonyms else Naming.NAME
    for synonym in category.synonyms:
        yield keys(synonym), Naming.CHOSEN
    name = _BRACKET.sub("", category.name)
    if name != category.name:
        yield keys(name), Naming.PART
    parts = [part for part in _AND.split(name) if part]
    if len(parts) < _SPLIT_WORDS:
        return
    first, last = keys(parts[0]), keys(parts[-1])
    if not first or not last:
        return
    for number, part in enumerate(parts):
        key = keys(part)
        whole = Naming.PART
        if len(key) == 1:
            if number < len(parts) - 1 and len(last) > 1:
                yield (*key, *last[1:]), Naming.PART
                whole = Naming.HALF
            if number and len(first) > 1:
                yield (*first[:-1], *key), Naming.PART
                whole = Naming.HALF
        yield key, whole
