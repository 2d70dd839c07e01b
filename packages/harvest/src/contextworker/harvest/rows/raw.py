"""A reject's row, kept so that it can be tried again when the mapping is better."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contextworker.harvest.rows.problems import RowProblemError

MARK = "…"
"""The one key of what stands for a value that is not whole: `{"…": "its beginning"}`."""
NUMBER = "#"
"""The one key of what stands for a number that JSON readers would bend: `{"#": "0.1000…01"}`."""

MAPPING_CODES = frozenset(
    {
        "bad_params",
        "bad_price",
        "bad_quantity",
        "bad_text",
        "invalid_value",
        "no_rate",
        "too_long",
        "wrong_currency",
    }
)
"""Reasons that another mapping may mend, besides missing_* and ambiguous_*."""

_LONGEST = 64 * 1024
_SHORT_VALUE = 500
_SHORT_KEY = 100
_SHORT_COLUMNS = 100
_SHORT_REASON = 1000
_SAFE_INTEGER = 2**53
_FLOAT_DIGITS = 12  # as many as `numbers.parse_number` takes of a float


def short_reason(reason: str) -> str:
    """Shorten a reason that quotes a long value."""
    return _short(reason, _SHORT_REASON)


def keep(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON can hold it: whole up to 64 KiB, else its beginning."""
    try:
        kept = {_storable(key): _json(value) for key, value in values.items()}
        if len(json.dumps(kept, ensure_ascii=False)) <= _LONGEST // 4 or (
            len(json.dumps(kept, ensure_ascii=False).encode()) <= _LONGEST
        ):
            return kept
    except RecursionError:
        kept = {str(key): str(type(value).__name__) for key, value in values.items()}
    first = list(kept.items())[:_SHORT_COLUMNS]
    short = {_short(key, _SHORT_KEY): _shortened(value) for key, value in first}
    if len(kept) > len(first):
        short[MARK] = {MARK: f"{len(kept) - len(first)} further columns"}
    return short if any(map(is_mark, short.values())) else {**short, MARK: {MARK: "shortened"}}


def restore(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row that was kept.

    Raises:
        RowProblemError: It was kept shortened.
    """
    return {key: _restored(value) for key, value in raw.items()}


def is_replayable(reason_code: str, raw: Mapping[str, Any]) -> bool:
    """Whether a reject can be tried again: its row was read well, and is kept whole."""
    is_ours = reason_code.startswith(("missing_", "ambiguous_")) or reason_code in MAPPING_CODES
    try:
        restore(raw)
    except RowProblemError:
        return False
    return is_ours


def is_mark(value: Any) -> bool:
    """Whether this stands for a value that is not whole."""
    return isinstance(value, dict) and len(value) == 1 and MARK in value


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_storable(str(key)): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, str):
        return value if (same := _storable(value)) == value else {MARK: same}
    if value is None or isinstance(value, bool):
        return value
    return _number(value) if isinstance(value, int | float | Decimal) else _storable(str(value))


def _number(value: float | Decimal) -> Any:
    if isinstance(value, int):
        return value if abs(value) < _SAFE_INTEGER else {NUMBER: str(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {NUMBER: repr(value)}
    is_usual = value.is_finite() and abs(value.adjusted()) <= _FLOAT_DIGITS
    if not is_usual or Decimal(f"{float(value):.{_FLOAT_DIGITS}g}") != value:
        return {NUMBER: str(value)}
    return int(value) if value == value.to_integral_value() else float(value)


def _restored(value: Any) -> Any:
    if is_mark(value):
        raise RowProblemError(
            "not_whole", "the row could not be kept as it was; harvest its supplier instead"
        )
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get(NUMBER), str):
            return _restored_number(value[NUMBER])
        return {key: _restored(item) for key, item in value.items()}
    return [_restored(item) for item in value] if isinstance(value, list) else value


def _restored_number(text: str) -> Any:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return {NUMBER: text}
    if not number.is_finite():
        return float(text)
    return int(text) if text.lstrip("-").isdecimal() else number


def _shortened(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _SHORT_VALUE else {MARK: _short(text, _SHORT_VALUE)}


def _storable(text: str) -> str:
    """Replace what no store can hold: NUL, and halves of characters."""
    if text.isascii():
        return text.replace("\0", "␀")
    return text.replace("\0", "␀").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _short(value: str, length: int) -> str:
    value = _storable(value)
    return value if len(value) <= length else value[: length - 1] + "…"
