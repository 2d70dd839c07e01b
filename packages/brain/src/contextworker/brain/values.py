"""The values a record may hold: what every store gives back exactly as it was."""

import json
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue, StringConstraints

# PostgreSQL text cannot hold a NUL, so no store may.
_NO_NUL = r"^[^\x00]*$"

Text = Annotated[str, StringConstraints(pattern=_NO_NUL)]
Code = Annotated[str, StringConstraints(pattern=_NO_NUL, min_length=1, max_length=256)]
Label = Annotated[str, StringConstraints(pattern=_NO_NUL, min_length=1)]
Int64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Money = Annotated[Decimal, Field(max_digits=30, decimal_places=10, allow_inf_nan=False)]
Instant = AwareDatetime


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, no NaN.

    Raises:
        ValueError: The value has NaN or infinity, or text that is not Unicode.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    text.encode()
    return text


def canonical_decimal(value: Decimal) -> str:
    """Return the one text of an amount: 10.50, 10.5 and 1.05E+1 are all `10.5`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _storable(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    canonical_json(value)
    return value


JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_storable)]
