"""Task `params`, enricher `measures`: what a product measures, holds, takes and counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from contextworker.gardener.enrichers.base import TaskResult
from contextworker.gardener.enrichers.measuring.measures import Found, find_measures
from contextworker.gardener.enrichers.options import Options, answers, read_options
from contextworker.gardener.enrichers.protocol import EnricherContext, Subject
from contextworker.gardener.enrichers.text import keys

THRESHOLD: Final = 0.75

_IN_NAME = 0.95
_IN_PARAMS = 0.9
_IN_DESCRIPTION = 0.8
_UNSURE = 0.6
_KEYS_KEPT = 4096

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


@dataclass(frozen=True, slots=True)
class _Measured:
    attribute: str
    value: float | list[float]
    unit: str
    text: str
    confidence: float
    doubt: str = "can be read in two ways"

    def as_json(self) -> dict[str, Any]:
        return {"value": self.value, "unit": self.unit, "text": self.text}


class MeasuresEnricher:
    """Finds weight, volume, length, dimensions, capacity, power and pack count.

    The name is read first, then parameters, then the description; the first to say something of a
    measure is believed. Two different values in one name put the measure in doubt; in a
    description they are left out. A product that states none of this is done: there is nothing to
    look up.
    """

    source = "measures"
    reads = frozenset({"name", "params", "description"})

    def __init__(self, *, threshold: float = THRESHOLD) -> None:
        self._threshold = threshold

    def enrich(self, subjects: Sequence[Subject]) -> list[TaskResult]:
        """Return one `ParamsResult` per product."""
        return [self._enrich(subject) for subject in subjects]

    def _enrich(self, subject: Subject) -> TaskResult:
        product = subject.text
        measures: dict[str, _Measured] = {}
        for part in (
            _in_name(product.name),
            _in_params(product.params),
            _in_description(product.description),
        ):
            for measured in part:
                measures.setdefault(measured.attribute, measured)
        doubtful = [m for m in measures.values() if m.confidence < self._threshold]
        return TaskResult.judged(
            {name: measures[name].as_json() for name in sorted(measures)},
            confidence=min((m.confidence for m in measures.values()), default=1.0),
            threshold=self._threshold,
            source=self.source,
            doubt="; ".join(f"{m.attribute} {m.text!r} {m.doubt}" for m in doubtful),
        )


def measures(context: EnricherContext) -> MeasuresEnricher:
    """Make the enricher for a tenant.

    Raises:
        ConfigurationError: An option is unknown or wrong, or the task is another.
    """
    answers(context, "measures", "params")
    return MeasuresEnricher(threshold=read_options(context, Options).threshold)


def _in_name(name: str) -> Iterator[_Measured]:
    for found, alone in _first_of_each(find_measures(name)):
        measured = _measured(found, name, _IN_NAME if found.sure and alone else _UNSURE)
        yield measured if alone else replace(measured, doubt="is one of several in the name")


def _in_params(params: Mapping[str, str]) -> Iterator[_Measured]:
    for key, value in params.items():
        said = said_by(key)
        text = _with_unit_of_key(key, value)
        for found in find_measures(text):
            if said & _PARAM_KEYS[found.attribute]:
                yield _measured(found, text, _IN_PARAMS if found.sure else _UNSURE)


def _in_description(description: str) -> Iterator[_Measured]:
    for found, alone in _first_of_each(find_measures(description)):
        if found.sure and alone:
            yield _measured(found, description, _IN_DESCRIPTION)


@lru_cache(maxsize=_KEYS_KEPT)
def said_by(key: str) -> frozenset[str]:
    """Return the words of a parameter's key; a catalogue has few keys, each many times."""
    return frozenset(keys(key.replace("_", " ")))


def _with_unit_of_key(key: str, value: str) -> str:
    """Complete `weight_kg` = `1.2` or `persons` = `4` to `1.2 kg` and `4 persons`."""
    if not value.replace(",", ".", 1).replace(".", "", 1).isdecimal():
        return value
    spaced = key.replace("_", " ").replace("(", " ").replace(")", " ").split()
    return f"{value} {spaced[-1]}" if spaced else value


def _first_of_each(found: Sequence[Found]) -> Iterator[tuple[Found, bool]]:
    """Yield the first measure of each attribute and whether no other says otherwise."""
    values: dict[str, list[Found]] = {}
    for item in found:
        values.setdefault(item.attribute, []).append(item)
    for same in values.values():
        yield same[0], all((f.value, f.unit) == (same[0].value, same[0].unit) for f in same)


def _measured(found: Found, text: str, confidence: float) -> _Measured:
    span = text[found.start : found.end].strip()
    return _Measured(found.attribute, found.value, found.unit, span, confidence)
