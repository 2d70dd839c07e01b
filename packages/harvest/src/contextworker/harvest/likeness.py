"""How likely a column is to hold a field of a product, by its name and by what is in it."""

import math
import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from contextworker.harvest.column_words import COLUMN_WORDS

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_NUMBER = re.compile(r"\D{0,4}\d[\d.,' \u00a0\u202f]*\D{0,4}")
_SHAPES = {
    "sku": re.compile(r"\S{1,64}"),
    "name": re.compile(r".*[^\W\d]{2}.*", re.DOTALL),
    "brand_name": re.compile(r".*[^\W\d].{0,60}"),
    "category": re.compile(r".*[^\W\d]{2}.{0,200}"),
    "description": re.compile(r".*[^\W\d]{2}.*", re.DOTALL),
    "quantity": re.compile(r"\d{1,9}(\.0+)?"),
    "price_retail": _NUMBER,
    "currency": re.compile(r"[A-Za-z]{3}"),
    "availability": re.compile(r"[^\W\d][\w :/.-]{1,40}"),
    "url": re.compile(r"https?://\S+"),
    "image_url": re.compile(r"https?://\S+"),
    "status": re.compile(r"[^\W\d][\w ]{1,20}"),
}
_LONGEST = 300
_POINTS_TO = 0.5


def words(column: str) -> list[str]:
    """Return the words of a column's name: `salePrice` and `sale_price` are alike."""
    return [word.casefold() for word in _WORDS.findall(column[:_LONGEST])]


def name_likeness(column: str, other: str) -> float:
    """Return how alike two names of columns are, from 0 to 1."""
    ours, theirs = words(column), words(other)
    if not ours or not theirs:
        return 0.0
    if "".join(ours) == "".join(theirs):
        return 1.0
    shared = len(set(ours) & set(theirs)) / min(len(set(ours)), len(set(theirs)))
    letters = SequenceMatcher(None, "".join(ours), "".join(theirs)).ratio()
    return max(0.85 * shared, letters)


def meaning_likeness(field: str, column: str) -> float:
    """Return how much a column's name says that it holds a field, from 0 to 1."""
    known, found = COLUMN_WORDS.get(field, frozenset(words(field))), words(column)
    if not found:
        return 0.0
    if "".join(found) in known:
        return 1.0
    return 0.8 * len(known & set(found)) / math.sqrt(len(found))


def shape_likeness(field: str, sample: Sequence[Any]) -> float | None:
    """Return the share of values that look like the field's; None where there are none."""
    shape = _SHAPES.get(field)
    texts = [text for value in sample if value is not None and (text := str(value).strip())]
    if shape is None or not texts:
        return None
    alike = sum(shape.fullmatch(text[:_LONGEST]) is not None for text in texts) / len(texts)
    if field in {"sku", "name"}:  # these tell products apart
        alike *= 0.5 + 0.5 * len(set(texts)) / len(texts)
    return alike


def guess_mapping(columns: Sequence[str], samples: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Guess which column holds which field of a feed that nobody has mapped.

    Args:
        columns: The feed's columns.
        samples: Some values of each.

    Returns:
        Field to column, for the fields that a column's name points to; no column comes twice.
    """
    scored = sorted(
        (
            (-(meaning_likeness(field, column) + 0.5 * shape), order, field, column)
            for order, field in enumerate(COLUMN_WORDS)
            for column in columns
            if meaning_likeness(field, column) >= _POINTS_TO
            and (shape := _or_even(shape_likeness(field, samples.get(column, ())))) >= _POINTS_TO
        ),
    )
    guessed: dict[str, str] = {}
    for _, _, field, column in scored:
        if field not in guessed and column not in guessed.values():
            guessed[field] = column
    return {field: guessed[field] for field in COLUMN_WORDS if field in guessed}


def _or_even(likeness: float | None) -> float:
    return _POINTS_TO if likeness is None else likeness
