"""Single values of a row, as the fields of a product want them."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from contextworker.brain.models import Availability
from contextworker.brain.values import canonical_json
from contextworker.harvest.rows.numbers import AmbiguousNumberError, DecimalMark, parse_number
from contextworker.harvest.rows.prices import MAX_AMOUNT, ambiguous
from contextworker.harvest.rows.problems import RowProblemError
from contextworker.harvest.rows.texts import is_blank, plain, shown, text

CATEGORY_SEPARATOR = " > "
PARAM_LENGTH = 10_000
_LARGEST_EXPONENT = 300  # of a number that JSON readers everywhere take
_DEEPEST = 50

_AVAILABILITY = {
    "instock": Availability.IN_STOCK,
    "true": Availability.IN_STOCK,
    "instoreonly": Availability.IN_STOCK,
    "onlineonly": Availability.IN_STOCK,
    "limitedavailability": Availability.IN_STOCK,
    "outofstock": Availability.OUT_OF_STOCK,
    "soldout": Availability.OUT_OF_STOCK,
    "false": Availability.OUT_OF_STOCK,
    "preorder": Availability.PREORDER,
    "presale": Availability.PREORDER,
    "backorder": Availability.BACKORDER,
    "discontinued": Availability.DISCONTINUED,
}
_SCHEMA_ORG = ("http://schema.org/", "https://schema.org/")


def category(value: Any, *, separator: str | None, longest: int) -> str | None:
    """Read a category path, from a JSON list or a text, as `Tents > Family tents`.

    Raises:
        RowProblemError: As `text`.
    """
    parts: Sequence[Any] = [value]
    if isinstance(value, list):
        parts = value
    elif separator is not None and isinstance(value, str):
        parts = value.split(separator)
    names = [text(part, field="category", longest=longest) for part in parts]
    path = CATEGORY_SEPARATOR.join(name for name in names if name)
    return text(path, field="category", longest=longest)


def quantity(value: Any, mark: DecimalMark) -> int | None:
    """Read a stock quantity: a whole number, not negative; blank is None.

    Raises:
        RowProblemError: It is something else.
    """
    if is_blank(value):
        return None
    try:
        number = parse_number(value, mark)
    except AmbiguousNumberError as error:
        raise ambiguous("quantity", value) from error
    except ValueError as error:
        raise RowProblemError(
            "bad_quantity", f"the quantity {shown(value)} is no number"
        ) from error
    if number < 0 or number > MAX_AMOUNT or number != number.to_integral_value():
        raise RowProblemError("bad_quantity", f"the quantity {shown(value)} is no count of pieces")
    return int(number)


def availability(value: str) -> Availability | None:
    """Read whether a product can be bought, in Google's or schema.org's words; else None."""
    folded = value.casefold()
    for prefix in _SCHEMA_ORG:
        folded = folded.removeprefix(prefix)
    return _AVAILABILITY.get(folded.translate({ord(sign): None for sign in " _-"}))


def param(value: Any, *, depth: int = 0) -> Any:
    """Keep an attribute's value as JSON can hold it; None for a blank one.

    Raises:
        RowProblemError: It holds a NUL character, or lists in lists in lists.
    """
    if depth > _DEEPEST:
        raise RowProblemError("invalid_value", "an attribute has too many levels")
    if is_blank(value):
        return None
    if isinstance(value, float | Decimal):
        return _number(Decimal(value))
    if isinstance(value, Mapping):
        kept = {str(key): param(item, depth=depth + 1) for key, item in value.items()}
        return kept or None
    if isinstance(value, list | tuple):
        return [param(item, depth=depth + 1) for item in value] or None
    if value is None or isinstance(value, bool | int):
        return value
    return text(value, field="an attribute", longest=PARAM_LENGTH)


def _number(value: Decimal) -> Any:
    if not value.is_finite() or abs(value.adjusted()) > _LARGEST_EXPONENT:
        return plain(value, field="an attribute")
    return int(value) if value == value.to_integral_value() else float(value)


def json_object(value: Any, *, field: str) -> dict[str, Any]:
    """Read a JSON object, from its text or as it is; blank is an empty one.

    Raises:
        RowProblemError: It is something else.
    """
    if is_blank(value):
        return {}
    if isinstance(value, str):
        try:
            value = _JSON.decode(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        raise RowProblemError("bad_params", f"the column {field!r} holds no JSON object")
    return value


def attributes(found: Mapping[str, Any]) -> str:
    """Return attributes without the blank ones, as canonical JSON.

    Raises:
        RowProblemError: They cannot be stored.
    """
    kept = {name: item for name, value in found.items() if (item := param(value)) is not None}
    try:
        return canonical_json(kept)
    except (ValueError, RecursionError) as error:
        raise RowProblemError("invalid_value", f"params cannot be stored: {error}") from error


def _no_number(name: str) -> Any:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)
