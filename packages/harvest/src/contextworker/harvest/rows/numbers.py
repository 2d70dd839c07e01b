"""Numbers as people write them in feeds, read exactly or not at all."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from babel.core import UnknownLocaleError, get_global
from babel.languages import get_official_languages
from babel.numbers import NumberFormatError, get_currency_symbol, parse_decimal

# With a decimal point 1,234.50 is well-formed, with a decimal comma 1.234,50: CLDR's rules, which
# Babel applies strictly, tell the two apart except where both read a number.
_LOCALES = {".": "en", ",": "de"}
_GROUPING = {".": ",", ",": "."}
_PLAIN = re.compile(r"\d+(\.\d{1,2})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d[\d.,'\u2019 \u00a0\u202f]*(?<=\d)", re.ASCII)
_GROUP_SIGNS = re.compile(r"['\u2019 \u00a0\u202f]")
_AROUND = re.compile(
    r"^(?P<before>[^\d+-]*)(?P<number>[+-]?\d.*\d|[+-]?\d)(?P<after>\D*)$", re.DOTALL
)

_LONGEST = 64

DecimalMark = Literal[".", ","] | None


class AmbiguousNumberError(ValueError):
    """The text is a number in two ways, such as 1.234."""


def parse_number(value: Any, mark: DecimalMark) -> Decimal:
    """Read a number.

    Args:
        value: A number, or text such as `1 234,50`.
        mark: The decimal mark, where the supplier file says it; else it is found out.

    Raises:
        AmbiguousNumberError: The text means different numbers with a decimal point and a comma.
        ValueError: It is no number.
    """
    if isinstance(value, bool):
        raise ValueError("no number")  # noqa: TRY004 - one error for everything unreadable
    if isinstance(value, float):
        # A sheet keeps 12.3 as 12.300000000000001; twelve digits are what was typed.
        value = Decimal(f"{value:.12g}")
    if isinstance(value, int | Decimal):
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError("no number")
        return number
    text = str(value).strip()
    if len(text) > _LONGEST:
        raise ValueError("no number")
    return _parse_text(text, mark)


@lru_cache(maxsize=65_536)  # a feed repeats its prices
def _parse_text(text: str, mark: DecimalMark) -> Decimal:
    if mark != "," and _PLAIN.fullmatch(text):
        return Decimal(text)
    if not _NUMBER.fullmatch(text):
        raise ValueError("no number")
    readings = {
        number
        for candidate in ([mark] if mark else _LOCALES)
        if (number := _read(text, candidate)) is not None
    }
    if len(readings) > 1:
        raise AmbiguousNumberError(text)
    if not readings:
        raise ValueError("no number")
    return readings.pop()


def _read(text: str, mark: str) -> Decimal | None:
    try:
        return parse_decimal(
            _GROUP_SIGNS.sub(_GROUPING[mark], text), locale=_LOCALES[mark], strict=True
        )
    except (NumberFormatError, ArithmeticError):  # the latter: more digits than Babel can hold
        return None


def split_currency(text: str) -> tuple[str, str]:
    """Part `12,50 €` into the number and what stands around it; the latter may be empty."""
    match = _AROUND.match(text.strip())
    if match is None:
        return text.strip(), ""
    around = (match["before"].strip(), match["after"].strip())
    return match["number"], " ".join(part for part in around if part)


@lru_cache(maxsize=4096)
def means_currency(sign: str, code: str) -> bool:
    """Whether a sign, as people write it, stands for this ISO currency.

    The signs are CLDR's, in English and in the languages of the lands that use the currency.
    """
    folded = sign.casefold().rstrip(".")
    if folded == code.casefold() or folded == get_currency_symbol(code, locale="en").casefold():
        return True
    locales = (
        f"{language}_{land}"
        for land, currencies in get_global("territory_currencies").items()
        if any(entry[0] == code and entry[2] is None for entry in currencies)
        for language in get_official_languages(land, de_facto=True)
    )
    return any(folded == _symbol(code, locale) for locale in locales)


def _symbol(code: str, locale: str) -> str | None:
    try:
        return get_currency_symbol(code, locale=locale).casefold().rstrip(".")
    except UnknownLocaleError:
        return None  # a language CLDR lists for a land without having its words
