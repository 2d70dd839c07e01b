"""Which of several like it: colours and sizes, in a name or in parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contextworker.gardener.enrichers.measures import Found
from contextworker.gardener.enrichers.params import said_by
from contextworker.gardener.enrichers.text import Word, words
from contextworker.gardener.enrichers.vocabulary import vocabulary

_COLOUR_KEYS = frozenset({"colour", "color", "farbe", "колір"})
_SIZE_KEYS = frozenset({"size", "größe", "розмір"})
_LETTER_SIZE = re.compile(r"(?<![\w'-])(?:XXS|XS|XL|XXL|XXXL|[2-5]XL)(?![\w'-])")
_SAID_SIZE = re.compile(
    r"(?<!\w)(?:size|größe|gr\.|розмір|EU)[\s:]{1,2}"
    r"([SML]|XXS|XS|XL|XXL|XXXL|[2-5]XL|\d{2}(?:[.,]5)?)(?![\w.,]\d|\w)",
    re.IGNORECASE,
)
_LAST_SIZE = re.compile(r"[,(/]\s?([SML])\)?$")


@dataclass(frozen=True, slots=True)
class Spotted:
    """Colours and a size, each None or empty where nothing says it."""

    colour: tuple[str, ...] = ()
    size: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a `Variant` is stored: without what is not known."""
        known: dict[str, Any] = {}
        if self.colour:
            known["colour"] = list(self.colour)
        if self.size is not None:
            known["size"] = self.size
        return known


def find_variant(
    name: str, found: list[Word], measured: list[Found], params: Mapping[str, str]
) -> Spotted:
    """Return what a name says; what it leaves open, what the parameters say.

    Args:
        name: The product's.
        found: Its words.
        measured: What is measured in it: an inch or a litre is no size and no colour.
        params: The supplier's parameters.
    """
    spans = [(item.start, item.end) for item in measured]
    free = [w for w in found if not any(s <= w.start < e for s, e in spans)] if spans else found
    colour = _colours(free)
    size = _size(name, free)
    for key, value in params.items():
        said = said_by(key)
        if not colour and said & _COLOUR_KEYS:
            colour = _colours(words(value))
        if size is None and said & _SIZE_KEYS and (match := _SAID_SIZE.fullmatch(f"size {value}")):
            size = match[1].upper()
    return Spotted(colour, size)


def _colours(found: list[Word]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(hit.value for hit in vocabulary().colours.find(found)))


def _size(name: str, free: list[Word]) -> str | None:
    if match := _SAID_SIZE.search(name) or _LAST_SIZE.search(name):
        return match[1].upper()
    if letters := _LETTER_SIZE.search(name):
        return letters[0]
    hits = vocabulary().sizes.find(free)
    return hits[0].value if hits else None
