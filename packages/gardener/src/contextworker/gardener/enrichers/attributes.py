"""Task `attributes`: measures, colours and sizes, from name, parameters and description."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from contextworker.gardener.enrichers.base import ProductText, TaskResult
from contextworker.gardener.enrichers.measures import Found, find_measures
from contextworker.gardener.enrichers.text import Word, keys, words
from contextworker.gardener.enrichers.vocabulary import Vocabulary, vocabulary

_IN_NAME = 0.95
_IN_PARAMS = 0.9
_IN_DESCRIPTION = 0.8
_BY_WORD = 0.9
_UNSURE = 0.6

# What a parameter's key must say before its value is taken for the attribute.
_PARAM_KEYS = {
    "weight": {"weight", "gewicht", "вага", "mass"},
    "volume": {"volume", "capacity", "volumen", "inhalt", "об'єм", "обєм"},
    "length": {"length", "länge", "довжина"},
    "power": {"power", "wattage", "leistung", "потужність"},
    "dimensions": {"dimension", "size", "maße", "abmessungen", "розміри", "розмір"},
    "capacity": {"capacity", "person", "berth", "personen", "місткість"},
    "pack_count": {"pack", "count", "quantity", "pieces", "menge", "кількість"},
}
_COLOUR_KEYS = {"colour", "color", "farbe", "колір"}
_SIZE_KEYS = {"size", "größe", "розмір"}
_LETTER_SIZE = re.compile(r"(?<![\w'-])(?:XXS|XS|XL|XXL|XXXL|[2-5]XL)(?![\w'-])")
_SAID_SIZE = re.compile(
    r"(?<!\w)(?:size|größe|gr\.|розмір|EU)[\s:]{1,2}"
    r"([SML]|XXS|XS|XL|XXL|XXXL|[2-5]XL|\d{2}(?:[.,]5)?)(?![\w.,]\d|\w)",
    re.IGNORECASE,
)
_LAST_SIZE = re.compile(r"[,(/]\s?([SML])\)?$")


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: str
    value: Any
    unit: str | None
    text: str
    source: str
    confidence: float

    def as_json(self) -> dict[str, Any]:
        unit = {"unit": self.unit} if self.unit else {}
        return {
            "value": self.value,
            **unit,
            "text": self.text,
            "from": self.source,
            "confidence": self.confidence,
        }


class AttributesEnricher:
    """Finds what can be measured or named.

    Attributes: weight, volume, length, power, dimensions, capacity, pack_count, colour, size.

    The name is read first, then parameters, then the description; the first to say something of an
    attribute is believed. Two different values in one name put the attribute in doubt; in a
    description they are left out. A product that states none of this is done: there is nothing to
    look up.
    """

    name = "attributes"

    def __init__(self, *, threshold: float = 0.75) -> None:
        self._threshold = threshold
        self._vocabulary = vocabulary()

    def enrich(self, products: Sequence[ProductText]) -> list[TaskResult]:
        """Return one result per product: attribute -> value, unit, text, from, confidence."""
        return [self._enrich(product) for product in products]

    def _enrich(self, product: ProductText) -> TaskResult:
        attributes: dict[str, _Attribute] = {}
        for part in (
            _in_name(product.name, self._vocabulary),
            _in_params(product.params, self._vocabulary),
            _in_description(product.description),
        ):
            for attribute in part:
                attributes.setdefault(attribute.name, attribute)
        doubtful = [a for a in attributes.values() if a.confidence < self._threshold]
        return TaskResult.judged(
            {name: attribute.as_json() for name, attribute in sorted(attributes.items())},
            confidence=min((a.confidence for a in attributes.values()), default=1.0),
            threshold=self._threshold,
            source=",".join(dict.fromkeys(a.source for a in attributes.values())),
            doubt="; ".join(f"{a.name} {a.text!r} can be read in two ways" for a in doubtful),
        )


def _in_name(name: str, known: Vocabulary) -> Iterator[_Attribute]:
    measures = find_measures(name)
    for found, alone in _first_of_each(measures):
        confidence = _IN_NAME if found.sure and alone else _UNSURE
        yield _measured(found, name, "name", confidence)
    free = _outside(words(name), measures)
    if colours := known.colours.find(free):
        yield _Attribute(
            "colour",
            list(dict.fromkeys(hit.value for hit in colours)),
            None,
            name[free[colours[0].first].start : free[colours[0].after - 1].end],
            "name",
            _BY_WORD,
        )
    if size := _SAID_SIZE.search(name) or _LAST_SIZE.search(name):
        yield _Attribute("size", size[1].upper(), None, size[0].strip(" ,(/)"), "name", _BY_WORD)
    elif letters := _LETTER_SIZE.search(name):
        yield _Attribute("size", letters[0], None, letters[0], "name", _BY_WORD)
    elif sizes := known.sizes.find(free):
        text = name[free[sizes[0].first].start : free[sizes[0].after - 1].end]
        yield _Attribute("size", sizes[0].value, None, text, "name", _IN_DESCRIPTION)


def _in_params(params: dict[str, str], known: Vocabulary) -> Iterator[_Attribute]:
    for key, value in params.items():
        said = set(keys(key.replace("_", " ")))
        text = _with_unit_of_key(key, value)
        for found in find_measures(text):
            if said & _PARAM_KEYS[found.attribute]:
                yield _measured(found, text, "params", _IN_PARAMS if found.sure else _UNSURE)
        if said & _COLOUR_KEYS and (hits := known.colours.find(words(value))):
            colours = list(dict.fromkeys(hit.value for hit in hits))
            yield _Attribute("colour", colours, None, value, "params", _IN_PARAMS)
        if said & _SIZE_KEYS and (size := _SAID_SIZE.fullmatch(f"size {value}")):
            yield _Attribute("size", size[1].upper(), None, value, "params", _IN_PARAMS)


def _in_description(description: str) -> Iterator[_Attribute]:
    for found, alone in _first_of_each(find_measures(description)):
        if found.sure and alone:
            yield _measured(found, description, "description", _IN_DESCRIPTION)


def _with_unit_of_key(key: str, value: str) -> str:
    """Complete `weight_kg` = `1.2` or `persons` = `4` to `1.2 kg` and `4 persons`."""
    if not value.replace(",", ".", 1).replace(".", "", 1).isdecimal():
        return value
    spaced = key.replace("_", " ").replace("(", " ").replace(")", " ").split()
    return f"{value} {spaced[-1]}" if spaced else value


def _first_of_each(measures: list[Found]) -> Iterator[tuple[Found, bool]]:
    """Yield the first measure of each attribute and whether no other says otherwise."""
    values: dict[str, list[Found]] = {}
    for found in measures:
        values.setdefault(found.attribute, []).append(found)
    for same in values.values():
        yield same[0], all((f.value, f.unit) == (same[0].value, same[0].unit) for f in same)


def _outside(found: list[Word], measures: list[Found]) -> list[Word]:
    """Return the words that are no part of a measure."""
    spans = [(item.start, item.end) for item in measures]
    return [w for w in found if not any(s <= w.start < e for s, e in spans)]


def _measured(found: Found, text: str, source: str, confidence: float) -> _Attribute:
    span = text[found.start : found.end].strip()
    return _Attribute(found.attribute, found.value, found.unit, span, source, confidence)
