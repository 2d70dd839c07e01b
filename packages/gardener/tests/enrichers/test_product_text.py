"""A product as enrichers see it: clean, bounded text, whatever the supplier sent."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextworker.gardener.enrichers.base import NAME_LIMIT, PARAM_LIMIT, ProductText, clean


@settings(max_examples=50)
@given(text=st.text(max_size=500))
def test_clean_text_is_clean(text: str) -> None:
    """Of one line, bounded, encodable; cleaning it again changes nothing."""
    cleaned = clean(text, NAME_LIMIT)

    assert len(cleaned.encode()) >= len(cleaned)
    assert len(cleaned) <= NAME_LIMIT
    assert cleaned == clean(cleaned, NAME_LIMIT)
    assert cleaned == " ".join(cleaned.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tent 2", "Tent 2"),
        ("  Tent  2 ", "Tent 2"),
        ("Tent\t2\r\n", "Tent 2"),
        ("GORE-TEX\u2122 jacket", "GORE-TEX jacket"),
        ("Bosch\u2120", "Bosch"),
        ("\uff34\uff45nt 1\u00b2", "Tent 12"),
        ("a\ud800b", "a?b"),
        ("x" * 500, "x" * 400),
    ],
    ids=["clean", "spaces", "control", "trade-mark", "service-mark", "wide", "surrogate", "long"],
)
def test_texts_are_cleaned(text: str, expected: str) -> None:
    """Plain text by the short way, the rest by the long one."""
    assert expected == clean(text, NAME_LIMIT)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (None, {}),
        ({"a": 1, "b": 1.5, "c": " x ", "d": True, "e": None, "f": [1], "g": {}}, 3),
        ({str(n): n for n in range(PARAM_LIMIT + 1)}, PARAM_LIMIT),
    ],
    ids=["none", "kinds", "many"],
)
def test_parameters_are_words_and_numbers(params: Any, expected: Any) -> None:
    """Nested ones say nothing to an enricher; so many are looked at, and no more."""
    product = ProductText(product_id="1", content_hash="h", params=params)

    assert expected in (product.params, len(product.params))
