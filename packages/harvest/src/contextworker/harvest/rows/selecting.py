"""Which products a mapping wants, by category and brand."""

from collections.abc import Iterable
from functools import lru_cache

from contextworker.harvest.rows.values import CATEGORY_SEPARATOR
from contextworker.harvest.suppliers.mapping import Mapping


class Selector:
    """Applies `[mapping.only]` and `[mapping.except]`."""

    def __init__(self, mapping: Mapping) -> None:
        self._only_categories = _patterns(map(_path, mapping.only.categories))
        self._only_brands = _patterns(mapping.only.brands)
        self._no_categories = _patterns(map(_path, mapping.without.categories))
        self._no_brands = _patterns(mapping.without.brands)
        self.selects = bool(
            self._only_categories or self._only_brands or self._no_categories or self._no_brands
        )
        self.wants = lru_cache(maxsize=4096)(self._wants)

    def _wants(self, category: str | None, brand: str | None) -> bool:
        path, name = (category or "").casefold(), (brand or "").casefold()
        return (
            (not self._only_categories or _any(self._only_categories, path))
            and (not self._only_brands or _any(self._only_brands, name))
            and not _any(self._no_categories, path)
            and not _any(self._no_brands, name)
        )


def _path(pattern: str) -> str:
    """Write a category pattern as categories are stored, however its parts are spaced."""
    return CATEGORY_SEPARATOR.join(part.strip() for part in pattern.split(">"))


def _patterns(patterns: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(pattern.strip().casefold().split("*")) for pattern in patterns)


def _any(patterns: tuple[tuple[str, ...], ...], text: str) -> bool:
    return any(_matches(pieces, text) for pieces in patterns)


def _matches(pieces: tuple[str, ...], text: str) -> bool:
    """Whether a text is these pieces with anything between them; never looks back."""
    first, *rest = pieces
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last):
        return False
    if len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
