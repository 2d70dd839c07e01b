"""The values a record may hold: what every store gives back exactly as it was."""

import json
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue, StringConstraints
from pydantic_core import to_json

# PostgreSQL text cannot hold a NUL, so no store may.
_NO_NUL = r"^[^\x00]*$"

Text = Annotated[str, StringConstraints(pattern=_NO_NUL)]
Code = Annotated[str, StringConstraints(pattern=_NO_NUL, min_length=1, max_length=256)]
Label = Annotated[str, StringConstraints(pattern=_NO_NUL, min_length=1)]
Int64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Money = Annotated[Decimal, Field(max_digits=30, decimal_places=10, allow_inf_nan=False)]
Instant = AwareDatetime


_DOUBTFUL = (b"\\u0000", b"NaN", b"Infinity")

_canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
# \\u0000 as an escape, not after a backslash that is itself escaped.
NUL_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces.

    Raises:
        ValueError: The value holds what not every store can: NaN, infinity, a NUL, or half a
            surrogate pair.
    """
    text = _canonical.encode(value)
    text.encode()
    if "\\u0000" in text and NUL_IN_JSON.search(text):
        raise ValueError("a text in it holds a NUL character")
    return text


def canonical_decimal(value: Decimal) -> str:
    """Return the one text of an amount: 10.50, 10.5 and 1.05E+1 are all `10.5`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _storable(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    # Several times as fast as `canonical_json`, which is asked only what this cannot tell.
    text = to_json(value)
    if any(mark in text for mark in _DOUBTFUL):
        canonical_json(value)
    return value


JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_storable)]
