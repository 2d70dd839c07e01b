"""Which of several like it: colours and sizes, in a name or in parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contextworker.gardener.enrichers.measuring.params import said_by
from contextworker.gardener.enrichers.naming.vocabulary import vocabulary
from contextworker.gardener.enrichers.text import words

_COLOUR_KEYS = frozenset({"colour", "color", "farbe", "колір"})
_SIZE_KEYS = frozenset({"size", "größe", "розмір"})
_LETTER_SIZE = re.compile(r"(?<![\w'-])(?:XXS|XS|XL|XXL|XXXL|[2-5]XL)(?![\w'-])")
_SAID_SIZE = re.compile(
    r"(?<!\w)(?:size|größe|gr\.|розмір|EU)[\s:]{1,2}"
    r"([SML]|XXS|XS|XL|XXL|XXXL|[2-5]XL|\d{2}(?:[.,]5)?)(?![\w.,]\d|\w)",
    re.IGNORECASE,
)
_WHOSE_SIZE = re.compile(
    r"(?:men|women|damen|herren|kids|unisex)(?:'s|\u2019s)?\s([SML])(?![\w'-])", re.IGNORECASE
)
_LAST_SIZE = re.compile(r"[,(/]\s?([SML])\)?$")


_ONE_COLOUR = re.compile(r"[^\W\d_]{3,20}(?:[ -][^\W\d_]{3,20})?")


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
    name: str, colours: tuple[str, ...], size: str | None, params: Mapping[str, str]
) -> Spotted:
    """Return what a name says; what it leaves open, what the parameters say.

    Args:
        name: The product's.
        colours: Known ones that stand in it.
        size: A known one that is written out in it; a size given by its form goes before.
        params: The supplier's parameters.
    """
    size = _by_form(name) or size
    for key, value in params.items():
        said = said_by(key)
        if not colours and said & _COLOUR_KEYS:
            colours = _stated(value)
        if size is None and said & _SIZE_KEYS and (match := _SAID_SIZE.fullmatch(f"size {value}")):
            size = match[1].upper()
    return Spotted(colours, size)


def _stated(value: str) -> tuple[str, ...]:
    """Return the known colours of what a supplier calls a colour; else what it says, in short."""
    known = tuple(dict.fromkeys(hit.value for hit in vocabulary().colours.find(words(value))))
    said = value.casefold()
    return known or ((said,) if _ONE_COLOUR.fullmatch(said) else ())


def _by_form(name: str) -> str | None:
    match = _SAID_SIZE.search(name) or _WHOSE_SIZE.search(name) or _LAST_SIZE.search(name)
    if match:
        return match[1].upper()
    letters = _LETTER_SIZE.search(name)
    return letters[0] if letters else None
