"""What kind of values a column holds, in a word for people."""

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

_MOST = 0.9
_CODE_LENGTH = 40
_TEXT_LENGTH = 300
_IMAGE = re.compile(r"https?://\S+\.(?:jpe?g|png|webp|gif|avif|svg)(?:\?\S*)?", re.IGNORECASE)
_PRICE = re.compile(
    r"(?:[^\W\d_]{1,4}\.?\s|[€$£₴₽]\s?)?"
    r"-?\d[\d' \u00a0\u202f]*(?:[.,]\d{3})*(?:[.,](?:\d{1,4}|-))?"
    r"(?:\s[^\W\d_]{1,4}\.?|\s?[€$£₴₽])?"
)
_WORDS = frozenset({"true", "false", "yes", "no", "y", "n", "ja", "nein", "так", "ні", "да", "нет"})


class Kind(StrEnum):
    """A kind of values."""

    EMPTY = "empty"
    TRUTH = "yes or no"
    WHOLE = "whole number"
    AMOUNT = "amount"
    DATE = "date"
    IMAGE = "image address"
    ADDRESS = "web address"
    OBJECT = "JSON object"
    LIST = "list"
    CODE = "code"
    TEXT = "text"


_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.WHOLE, re.compile(r"-?\d{1,12}")),
    (Kind.AMOUNT, _PRICE),
    (
        Kind.DATE,
        re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d\S*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}"),
    ),
    (Kind.IMAGE, _IMAGE),
    (Kind.ADDRESS, re.compile(r"https?://\S+")),
    (Kind.OBJECT, re.compile(r"\{.*\}", re.DOTALL)),
    (Kind.LIST, re.compile(r"\[.*\]", re.DOTALL)),
    (Kind.CODE, re.compile(rf"(?=\S*\d)\S{{1,{_CODE_LENGTH}}}")),
)


def texts(values: Sequence[Any]) -> list[str]:
    """Return values as texts, without blank ones."""
    found = (value for value in values if value is not None)
    return [text for value in found if (text := _text(value).strip())]


def kind_of(values: Sequence[Any]) -> Kind:
    """Return the kind that nearly all values are of."""
    found = [text[:_TEXT_LENGTH] for text in texts(values)]
    if not found:
        return Kind.EMPTY
    if {text.casefold() for text in found} <= _WORDS:
        return Kind.TRUTH
    for kind, pattern in _PATTERNS:
        if sum(pattern.fullmatch(text) is not None for text in found) >= _MOST * len(found):
            return kind
    return Kind.TEXT


def _text(value: Any) -> str:
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
