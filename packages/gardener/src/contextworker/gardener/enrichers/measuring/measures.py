"""Measures, sides, capacities and pack counts as they stand in a text.

Every repetition in the patterns is bounded, so the time grows with the length of the text and no
faster, whatever the text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from contextworker.gardener.enrichers.measuring.units import (
    SPELLINGS,
    attribute_of,
    centimetres,
    measure,
    unit_name,
)

# Several tasks of a batch look at a name.
_SHORT_TEXT = 400
_TEXTS_KEPT = 4096
_DIGIT = re.compile(r"\d")
_NUMBER = r"\d{1,7}(?:[.,]\d{1,4})?"
_UNITS = "|".join(re.escape(unit) for unit in sorted(set(SPELLINGS), key=len, reverse=True))
_BEFORE = r"(?<![\w.,])"
# "1 L/min" and "180 g/m²" are rates, and a hydrostatic head of 2,000 mm is no length of a tent.
_NOT_OF_IT = r"(?!\w|\s?/\s?[^\W\d]|\s(?:hydrostatic|water\s?column|wassersäule|водяного))"
_MEASURE = re.compile(rf"{_BEFORE}({_NUMBER})\s?-?\s?({_UNITS}){_NOT_OF_IT}", re.IGNORECASE)
_SIDE = r"\s?(?:cm|mm|m|см|мм|м)?\s?[x×*х]\s?"  # the last one is Cyrillic
_SIDES = re.compile(
    rf"{_BEFORE}({_NUMBER}){_SIDE}({_NUMBER})(?:{_SIDE}({_NUMBER}))?\s?({_UNITS})(?!\w)",
    re.IGNORECASE,
)
_PERSONS = re.compile(
    rf"{_BEFORE}(\d{{1,2}})(?:\s?[-\u2013/]\s?(\d{{1,2}}))?\s?-?\s?"
    r"(?:persons?|people|man|berth|seater|personen|pers|mann|осіб|особи|місн\w{0,4}|(?-i:P))(?!\w)",
    re.IGNORECASE,
)
_PACK = re.compile(
    r"(?<!\w)(?:pack|set|box|combo)\s?of\s?(\d{1,4})(?!\w)"
    rf"|{_BEFORE}(\d{{1,4}})"
    r"(?:\s?-?\s?(?:packs?|pcs?|pieces?|stk|stück|шт)|er[- ]?(?:set|pack))(?!\w)",
    re.IGNORECASE,
)
# A number after these is what a thing bears or holds at most, not what it is.
_LIMIT = re.compile(r"(?:max\.?|up to|load|bis|до|supports?|tragkraft)[\s:]{0,2}$", re.IGNORECASE)
_LIMIT_REACH = 12
_SMALL_UNITS = frozenset({"gram", "milligram", "milliliter", "millimeter", "watt"})
_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True, slots=True)
class Found:
    """Something measured in a text, in a normal unit, and where it stands."""

    attribute: str
    value: float | list[float]
    unit: str
    start: int
    end: int
    sure: bool = True


def find_measures(text: str) -> Sequence[Found]:
    """Return what is measured in a text, in order and without overlaps.

    Attributes: weight, volume, length, power; dimensions (two or three sides in cm), capacity
    (persons), pack_count (pieces).
    """
    if not _DIGIT.search(text):
        return ()  # most names; saves four scans
    return _in_short(text) if len(text) <= _SHORT_TEXT else _in(text)


def _in(text: str) -> Sequence[Found]:
    found: list[Found] = []
    for candidate in _candidates(text):
        if all(candidate.end <= other.start or candidate.start >= other.end for other in found):
            found.append(candidate)
    return tuple(sorted(found, key=lambda item: (item.start, item.attribute)))


_in_short = lru_cache(maxsize=_TEXTS_KEPT)(_in)


def _candidates(text: str) -> Iterator[Found]:
    """Yield matches, the most telling pattern first: it wins where two overlap."""
    for match in _SIDES.finditer(text):
        yield from _sides(match)
    for match in _PERSONS.finditer(text):
        persons = max(int(number) for number in match.groups() if number)
        if persons:
            yield Found("capacity", persons, "persons", *match.span())
    for match in _PACK.finditer(text):
        count = int(match[1] or match[2])
        if count:
            yield Found("pack_count", count, "pcs", *match.span())
    for match in _MEASURE.finditer(text):
        if (unit := unit_name(match[2])) is not None:
            sure = not _LIMIT.search(text[max(0, match.start() - _LIMIT_REACH) : match.start()])
            yield _measured(match[1], unit, match.span(), sure=sure)


def _sides(match: re.Match[str]) -> Iterator[Found]:
    """Read `210 x 140 cm` as two sides and `2 x 500 g` as two pieces of 500 g."""
    *numbers, spelling = match.groups()
    unit = unit_name(spelling)
    if unit is None:
        return
    if attribute_of(unit) == "length":
        sides = [centimetres(_number(number, unit)[0], unit) for number in numbers if number]
        yield Found("dimensions", sides, "cm", *match.span())
    elif numbers[2] is None and numbers[0].isdigit() and int(numbers[0]):
        yield Found("pack_count", int(numbers[0]), "pcs", match.start(), match.start(2))
        yield _measured(numbers[1], unit, (match.start(2), match.end()))


def _measured(number: str, unit: str, span: tuple[int, int], *, sure: bool = True) -> Found:
    value, unambiguous = _number(number, unit)
    normal = measure(value, unit)
    return Found(normal.attribute, normal.value, normal.unit, *span, sure=sure and unambiguous)


def _number(text: str, unit: str) -> tuple[float, bool]:
    """Read a number with either decimal sign; says whether there is only one way to read it.

    `1,500` is fifteen hundred of a small unit such as g, and one and a half of a large one.
    """
    if _THOUSANDS.fullmatch(text):
        if unit in _SMALL_UNITS:
            return float(text.replace(",", "").replace(".", "")), False
        return float(text.replace(",", ".")), "." in text
    return float(text.replace(",", ".")), True
