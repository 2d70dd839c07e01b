"""Numbers in feeds: read exactly, or refused."""

from decimal import Decimal
from typing import Any

import pytest

from contextworker.harvest.rows.numbers import (
    AmbiguousNumberError,
    DecimalMark,
    means_currency,
    parse_number,
    split_currency,
)


@pytest.mark.parametrize(
    ("value", "mark", "expected"),
    [
        ("12", None, "12"),
        ("12.50", None, "12.50"),
        ("12,50", None, "12.50"),
        ("1,234.50", None, "1234.50"),
        ("1.234,50", None, "1234.50"),
        ("1 234,50", None, "1234.50"),
        ("1\u00a0234,50", None, "1234.50"),
        ("1\u202f234,50", None, "1234.50"),
        ("1'234.50", None, "1234.50"),
        ("1\u2019234.50", None, "1234.50"),
        ("1 234", None, "1234"),
        ("1.234.567", None, "1234567"),
        ("1234.567", None, "1234.567"),
        ("0.125", None, "0.125"),
        ("-5", None, "-5"),
        ("1.234", ",", "1234"),
        ("1.234", ".", "1.234"),
        ("1,234", ".", "1234"),
        ("1,234", ",", "1.234"),
        ("12.500", ",", "12500"),
        (" 7 ", None, "7"),
        (7, None, "7"),
        (12.3, None, "12.3"),
        (0.1 + 0.2, None, "0.3"),
        (Decimal("0.1"), None, "0.1"),
        ("0." + "1" * 40, None, "0." + "1" * 40),
    ],
)
def test_numbers(value: Any, mark: DecimalMark, expected: str) -> None:
    """Every usual way of writing a number is read as what it means."""
    assert Decimal(expected) == parse_number(value, mark)


@pytest.mark.parametrize("value", ["1.234", "1,234", "12.500", "123.456"])
def test_ambiguous_numbers(value: str) -> None:
    """A number that a German and an English reader take differently is not guessed."""
    with pytest.raises(AmbiguousNumberError):
        parse_number(value, None)


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        ("", None),
        ("on request", None),
        ("12,", None),
        (".", None),
        ("1e5", None),
        ("1_000", None),
        ("NaN", None),
        ("Infinity", None),
        ("1,2,3", None),
        ("12 50", None),
        ("1.2.3", None),
        ("12-50", None),
        ("12.50", ","),
        ("12,50", "."),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        ("1" * 400, None),
    ],
)
def test_no_numbers(value: Any, mark: DecimalMark) -> None:
    """What is no number, or not one with the supplier's decimal mark, is refused."""
    with pytest.raises(ValueError, match="no number"):
        parse_number(value, mark)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12,50 €", ("12,50", "€")),
        ("EUR 12", ("12", "EUR")),
        ("$12.50", ("12.50", "$")),
        ("-3 €", ("-3", "€")),
        ("1 234,50 zł", ("1 234,50", "zł")),
        ("7", ("7", "")),
        ("from 7 €", ("7", "from €")),
        ("on request", ("on request", "")),
    ],
)
def test_split_currency(text: str, expected: tuple[str, str]) -> None:
    """A price is parted from what stands around it, and none of that is lost."""
    assert expected == split_currency(text)


@pytest.mark.parametrize(
    ("sign", "code", "expected"),
    [
        ("€", "EUR", True),
        ("eur", "EUR", True),
        ("zł", "PLN", True),
        ("₴", "UAH", True),
        ("$", "USD", True),
        ("$", "CAD", True),
        ("kr.", "DKK", True),
        ("$", "EUR", False),
        ("from €", "EUR", False),
        ("€", "USD", False),
    ],
)
def test_means_currency(sign: str, code: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """A sign counts for the currencies whose people write it so."""
    assert expected is means_currency(sign, code)
