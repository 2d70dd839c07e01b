"""Single values of a row, as the fields of a product want them."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from babel.numbers import is_currency

from contextworker.harvest.rows.numbers import (
    AmbiguousNumberError,
    DecimalMark,
    means_currency,
    parse_number,
    split_currency,
)

CATEGORY_SEPARATOR = " > "
_MAX_AMOUNT = 10**12
_RAW_LENGTH = 500
_RAW_COLUMNS = 200
_REASON_LENGTH = 1000
_LARGEST_EXPONENT = 300  # of a number that JSON readers everywhere take


class RowProblemError(ValueError):
    """Why a row is no product: a code for counting and a sentence for the shopkeeper."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def text(value: Any, *, field: str, longest: int) -> str | None:
    """Read a text; blank is None.

    Raises:
        RowProblemError: It is too long, is no text, or holds a NUL character.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, dict | list):
        kind = "list" if isinstance(value, list) else "object"
        raise RowProblemError("bad_text", f"{field} holds a {kind} where a text is expected")
    stripped = str(value).strip()
    if "\0" in stripped:
        raise RowProblemError("bad_text", f"{field} holds a NUL character")
    if len(stripped) > longest:
        raise RowProblemError(
            "too_long", f"{field} has {len(stripped):,} characters; {longest:,} are allowed"
        )
    return stripped or None


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
    if _blank(value):
        return None
    try:
        number = parse_number(value, mark)
    except AmbiguousNumberError as error:
        raise _ambiguous("quantity", value) from error
    except ValueError as error:
        raise RowProblemError("bad_quantity", f"the quantity {value!r} is no number") from error
    if number < 0 or number > _MAX_AMOUNT or number != number.to_integral_value():
        raise RowProblemError("bad_quantity", f"the quantity {value!r} is no count of pieces")
    return int(number)


def price(
    value: Any, *, mark: DecimalMark, currency: str | None
) -> tuple[Decimal | None, str | None]:
    """Read a price and its currency; blank is None.

    Args:
        value: A number, or text that may carry a currency sign, such as `1 234,50 €`.
        mark: The decimal mark the supplier file names.
        currency: The ISO code the price is expected in.

    Raises:
        RowProblemError: It is no price, is one in two ways, is negative, or is in another currency.
    """
    if _blank(value):
        return None, None
    number, sign = split_currency(value) if isinstance(value, str) else (value, "")
    if sign:
        currency = _signed(value, sign, currency)
    try:
        amount = parse_number(number, mark)
    except AmbiguousNumberError as error:
        raise _ambiguous("price", value) from error
    except ValueError as error:
        raise RowProblemError("bad_price", f"the price {value!r} is no number") from error
    if amount < 0:
        raise RowProblemError("bad_price", f"the price {value!r} is negative")
    if amount > _MAX_AMOUNT:
        raise RowProblemError("bad_price", f"the price {value!r} is too large to be one")
    return amount.copy_abs(), currency  # -0 is 0


def currency_code(value: str | None) -> str | None:
    """Read an ISO currency code.

    Raises:
        RowProblemError: There is no such currency.
    """
    if value is None:
        return None
    if not is_currency(code := value.upper(), locale="en"):
        raise RowProblemError("wrong_currency", f"{value!r} is no ISO 4217 currency code")
    return code


def param(value: Any) -> Any:
    """Keep an attribute's value as JSON can hold it; None for a blank one.

    Raises:
        RowProblemError: It holds a NUL character.
    """
    if isinstance(value, Decimal):
        if abs(value.adjusted()) > _LARGEST_EXPONENT:
            return str(value)
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(key): param(item) for key, item in value.items()} or None
    if isinstance(value, list):
        return [param(item) for item in value] or None
    if isinstance(value, str):
        return text(value, field="an attribute", longest=10_000)
    return value


def short_reason(reason: str) -> str:
    """Shorten a reason that quotes a long value."""
    return _short(reason, _REASON_LENGTH)


def bounded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten a row so that it can be kept with its reject, whatever is in it."""
    return {
        _short(str(key), 100): _short_value(value)
        for key, value in list(raw.items())[:_RAW_COLUMNS]
    }


def _short_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, dict | list):
        value = json.dumps(value, default=str, ensure_ascii=False)
    return _short(str(value), _RAW_LENGTH)


def _short(value: str, length: int) -> str:
    value = value.replace("\0", "␀")
    return value if len(value) <= length else value[: length - 1] + "…"


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _ambiguous(field: str, value: Any) -> RowProblemError:
    return RowProblemError(
        f"ambiguous_{field}",
        f"the {field} {value!r} can be read in two ways; "
        'say decimal = "," or decimal = "." in the [mapping] of the supplier file',
    )


def _signed(value: str, sign: str, currency: str | None) -> str:
    """Return the currency of a price with a sign."""
    if currency is None:
        if is_currency(code := sign.upper(), locale="en"):
            return code
        raise RowProblemError(
            "wrong_currency",
            f"the price {value!r} has {sign!r} beside the number; "
            "say which currency it is in the supplier file",
        )
    if not means_currency(sign, currency):
        raise RowProblemError(
            "wrong_currency", f"the price {value!r} has {sign!r} beside the number, not {currency}"
        )
    return currency
