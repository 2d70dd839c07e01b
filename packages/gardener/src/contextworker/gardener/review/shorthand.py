"""Read what people write in short: `2kg`, a colour, the name of a technology."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rapidfuzz import fuzz, process, utils

from contextworker.core.errors import InvalidInputError
from contextworker.gardener.enrichers.measuring.measures import Found, find_measures
from contextworker.gardener.enrichers.terms.tech_file import KnownThing, TechVocabulary
from contextworker.gardener.enrichers.text import keys

MEASURES: Final = {
    "weight": "2 kg",
    "volume": "1.5 l",
    "length": "40 cm",
    "dimensions": "210 x 140 cm",
    "capacity": "4 persons",
    "power": "60 W",
    "pack_count": "6 pcs",
}
"""How each measure is written."""

_COUNTED: Final = {"capacity": "persons", "pack_count": "pcs"}
_LISTS: Final = {"technologies": "technology", "materials": "material"}
_NEAREST: Final = 3
_CUTOFF: Final = 60


def spelt_out_name(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a correction of task `ner` with colour and size where the result has them."""
    whole = {name: value for name, value in said.items() if name not in {"colour", "size"}}
    variant = {name: said[name] for name in ("colour", "size") if name in said}
    given = whole.get("variant")
    if isinstance(given, Mapping):
        variant = {**given, **variant}
    elif "variant" in whole and not variant:
        return whole
    if isinstance(colour := variant.get("colour"), str):
        variant["colour"] = [colour]
    return whole | {"variant": variant} if variant else whole


def spelt_out_measures(said: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a correction of task `params` with each measure in its normal unit, as enrichers do.

    Raises:
        InvalidInputError: One is no measure of its kind; says how to write it.
    """
    whole = dict(said)
    for name in MEASURES.keys() & said.keys():
        if (value := said[name]) is not None:
            whole[name] = _measure(name, value, found.get(name))
    return whole


def spelt_out_things(said: Mapping[str, Any], vocabulary: TechVocabulary) -> dict[str, Any]:
    """Return a correction of task `tech` with names and ids as things of the vocabulary.

    Raises:
        InvalidInputError: The vocabulary has no such thing; names the nearest.
    """
    whole = dict(said)
    for name, kind in _LISTS.items():
        value = said.get(name)
        if isinstance(value, str):
            value = [value]
        if isinstance(value, Sequence):
            known = [thing for thing in vocabulary.things if thing.kind == kind]
            whole[name] = [
                _thing(one, kind, known) if isinstance(one, str) else one for one in value
            ]
    return whole


def _measure(name: str, value: Any, before: Any) -> dict[str, Any]:
    # What it was read from is no longer what it says, unless somebody says so.
    text = value.get("text", "") if isinstance(value, Mapping) else ""
    if isinstance(value, Mapping):
        if unknown := sorted(value.keys() - {"value", "unit", "text"}):
            raise InvalidInputError(f"{name}.{unknown[0]}: there is no such field; {_how(name)}")
        unit = value.get("unit") or (before.get("unit") if isinstance(before, Mapping) else "")
        written = f"{_number(value.get('value'))} {unit or ''}"
    else:
        written = _number(value)
    wanted = written.strip()
    if name in _COUNTED and wanted.isdecimal():
        wanted = f"{wanted} {_COUNTED[name]}"
    read = [one for one in find_measures(wanted) if _is_all_of(one, name, wanted)]
    if len(read) != 1 or not _is_positive(read[0].value):
        raise InvalidInputError(f"{wanted!r} is no {name.replace('_', ' ')}; {_how(name)}")
    if not read[0].sure:
        raise InvalidInputError(
            f"the {name.replace('_', ' ')} {wanted!r} can be read in two ways; write it without a "
            f"comma or point of thousands, such as {MEASURES[name]}"
        )
    return {"value": read[0].value, "unit": read[0].unit, "text": text}


def _number(value: Any) -> str:
    """Return a number, or the sides of dimensions, as people write them."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " x ".join(_number(one) for one in value)
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)


def _is_all_of(found: Found, name: str, text: str) -> bool:
    return found.attribute == name and (found.start, found.end) == (0, len(text))


def _is_positive(value: float | list[float]) -> bool:
    return all(one > 0 for one in (value if isinstance(value, list) else [value]))


def _how(name: str) -> str:
    return f"write it such as {name}={MEASURES[name].replace(' ', '')}"


def _thing(said: str, kind: str, known: Sequence[KnownThing]) -> dict[str, Any]:
    for thing in known:
        if said == thing.id or keys(said) == keys(thing.name):
            return {"id": thing.id, "name": thing.name}
    likest = process.extract(
        said,
        [thing.name for thing in known],
        scorer=fuzz.WRatio,
        processor=utils.default_process,
        score_cutoff=_CUTOFF,
        limit=_NEAREST,
    )
    nearest = ", ".join(name for name, _, _ in likest)
    raise InvalidInputError(
        f"the vocabulary has no {kind} {said!r}" + (f"; nearest: {nearest}" if nearest else "")
    )
