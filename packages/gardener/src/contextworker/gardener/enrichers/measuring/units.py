"""Units as suppliers write them, turned into few normal ones by pint."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pint import UnitRegistry

# How suppliers write a unit -> pint's name for it. Written as here, where case tells units apart
# ("4G" is no weight), and otherwise in any case.
_ANY_CASE: Final = {
    "kg": "kilogram", "kgs": "kilogram", "kilo": "kilogram", "kilogram": "kilogram",
    "kilograms": "kilogram", "кг": "kilogram",
    "gr": "gram", "gm": "gram", "gms": "gram", "gram": "gram", "grams": "gram",
    "gramm": "gram", "гр": "gram",
    "mg": "milligram", "мг": "milligram",
    "oz": "ounce", "ounce": "ounce", "ounces": "ounce",
    "lb": "pound", "lbs": "pound", "pound": "pound", "pounds": "pound",
    "ml": "milliliter", "millilitre": "milliliter", "milliliter": "milliliter", "мл": "milliliter",
    "cl": "centiliter",
    "l": "liter", "lt": "liter", "ltr": "liter", "ltrs": "liter", "liter": "liter",
    "liters": "liter", "litre": "liter", "litres": "liter", "л": "liter", "літрів": "liter",
    "fl oz": "fluid_ounce", "fl. oz": "fluid_ounce", "gal": "gallon", "gallon": "gallon",
    "mm": "millimeter", "мм": "millimeter",
    "cm": "centimeter", "cms": "centimeter", "centimeter": "centimeter", "см": "centimeter",
    "meter": "meter", "meters": "meter", "metre": "meter", "metres": "meter", "mtr": "meter",
    "inch": "inch", "inches": "inch", "zoll": "inch", '"': "inch", "″": "inch", "′′": "inch",
    "''": "inch",
    "ft": "foot", "feet": "foot", "foot": "foot",
    "watt": "watt", "watts": "watt", "kw": "kilowatt", "вт": "watt", "квт": "kilowatt",
}  # fmt: skip
_SAME_CASE: Final = {"g": "gram", "г": "gram", "m": "meter", "м": "meter", "W": "watt", "w": "watt"}

SPELLINGS: Final = (*_ANY_CASE, *_SAME_CASE)

# attribute -> its units from the smallest, each used from one of it upwards.
_NORMAL: Final = {
    "weight": ("gram", "kilogram"),
    "volume": ("milliliter", "liter"),
    "length": ("millimeter", "centimeter", "meter"),
    "power": ("watt",),
}
_SHORT: Final = {
    "gram": "g", "kilogram": "kg", "milliliter": "ml", "liter": "l",
    "millimeter": "mm", "centimeter": "cm", "meter": "m", "watt": "W",
}  # fmt: skip
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Measure:
    """A number in one of the normal units: g, kg, ml, l, mm, cm, m or W."""

    attribute: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class _Unit:
    attribute: str
    factors: tuple[tuple[str, float], ...]


def unit_name(spelling: str) -> str | None:
    """Return pint's name of a unit as written, or None for what is no unit here."""
    return _SAME_CASE.get(spelling) or _ANY_CASE.get(spelling.casefold())


def measure(value: float, unit: str) -> Measure:
    """Convert to the normal units.

    Args:
        value: The number as written.
        unit: Pint's name of the unit, from `unit_name`.
    """
    known = _unit(unit)
    short, factor = known.factors[0]
    for larger, larger_factor in known.factors[1:]:
        if round(value * larger_factor, _DIGITS) >= 1:
            short, factor = larger, larger_factor
    return Measure(known.attribute, float(f"{value * factor:.{_DIGITS}g}"), short)


def centimetres(value: float, unit: str) -> float:
    """Convert a length to cm, for sides that share one unit."""
    factor = dict(_unit(unit).factors)["cm"]
    return float(f"{value * factor:.{_DIGITS}g}")


def attribute_of(unit: str) -> str:
    """Return which attribute a unit measures: weight, volume, length or power."""
    return _unit(unit).attribute


@cache
def _unit(name: str) -> _Unit:
    """Ask pint once per unit what it measures and how it converts."""
    registry = _registry()
    one = registry.Quantity(1.0, name)
    for attribute, targets in _NORMAL.items():
        if one.is_compatible_with(targets[0]):
            factors = tuple((_SHORT[unit], float(one.to(unit).magnitude)) for unit in targets)
            return _Unit(attribute, factors)
    raise ValueError(f"the unit {name!r} measures nothing that the gardener stores")


@cache
def _registry() -> "UnitRegistry[float]":
    # Not at the top: pint and its registry take 0.4 s, which a starting worker should not spend.
    from pint import UnitRegistry  # noqa: PLC0415

    return UnitRegistry()
